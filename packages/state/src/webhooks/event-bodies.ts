import type { EventLog, StoredEvent } from '../events/index.ts'
import { createMemory } from '../lib/memory.ts'
import type { DeliveryJob } from './delivery-job.ts'

export interface EventBodiesOptions {
  find: (ids: readonly string[]) => ReturnType<EventLog['find']>
  /** Kept in memory at most. */
  bytes: number
}

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

  return {
    /** Its deliveries are about to come. */
    remember({ id, body }: Pick<StoredEvent, 'id' | 'body'>): void {
      keep(id, body)
    },
    /** UTF-8; undefined: it is kept nowhere. */
    async of({
      eventId,
      body,
    }: Pick<DeliveryJob, 'eventId' | 'body'>): Promise<Buffer | undefined> {
      if (body !== undefined) return Buffer.from(body)
      return memory.get(eventId)?.body ?? read(eventId)
    },
  }
}

export type EventBodies = ReturnType<typeof createEventBodies>
