import type { EventLog, StoredEvent } from '../events/index.ts'
import { createMemory } from '../lib/memory.ts'
import type { DeliveryJob } from './delivery-job.ts'

export interface EventBodiesOptions {
  find: (ids: readonly string[]) => ReturnType<EventLog['find']>
  /** Kept in memory at most. */
  bytes: number
}

type Sought = Pick<DeliveryJob, 'eventId' | 'body'>

/**
 * The texts of events, for their deliveries: every subscription sends the same, and a retry again. What is not in memory
 * is read from the event log, what is asked for in one turn of the loop together.
 */
export function createEventBodies({ find, bytes }: EventBodiesOptions) {
  const memory = createMemory<{ body: Buffer }>({ entries: bytes, characters: bytes })
  let asked = new Set<string>()
  let answer: ReturnType<EventLog['find']> | undefined

  /** What was asked for until now. */
  async function ask(): ReturnType<EventLog['find']> {
    await Promise.resolve()
    const ids = [...asked]
    asked = new Set()
    answer = undefined
    return find(ids)
  }

  function keep(id: string, text: string): Buffer {
    const body = Buffer.from(text)
    memory.set(id, { body })
    return body
  }

  async function read(id: string): Promise<Buffer | undefined> {
    asked.add(id)
    answer ??= ask()
    const found = (await answer).get(id)
    return found === undefined ? undefined : (memory.get(id)?.body ?? keep(id, found.body))
  }

  const atHand = ({ eventId, body }: Sought): Buffer | undefined =>
    body === undefined ? memory.get(eventId)?.body : Buffer.from(body)

  return {
    /** Its deliveries are about to come. */
    remember({ id, body }: Pick<StoredEvent, 'id' | 'body'>): void {
      keep(id, body)
    },
    /** UTF-8; undefined: it has to be read. */
    atHand,
    /** UTF-8; undefined: it is kept nowhere. */
    of: async (job: Sought): Promise<Buffer | undefined> => atHand(job) ?? read(job.eventId),
  }
}

export type EventBodies = ReturnType<typeof createEventBodies>
