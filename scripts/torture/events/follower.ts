import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'
import { KEY } from '../state/writers.ts'

/** A message of the stream, as the follower got it. */
export interface Message {
  /** The cursor. */
  id: string
  event: string
  data: string
}

/** Between two connections when nobody answers. */
const RETRY_MS = 25

/** Reads an event stream block by block, as EventSource does. */
function createBlocks(onId: (id: string) => void, onMessage: (message: Message) => void) {
  let text = ''
  let id = ''
  return (chunk: string): void => {
    text += chunk
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => {
          const at = line.indexOf(': ')
          return [line.slice(0, at), line.slice(at + 2)]
        }),
      )
      id = fields.get('id') ?? id
      onId(id)
      const data = fields.get('data')
      if (data !== undefined) onMessage({ id, event: fields.get('event') ?? 'message', data })
    }
  }
}

/**
 * Follows the event stream, now of this replica, now of that: every connection is cut after `cutMs`, and the next one
 * goes on from `Last-Event-ID`.
 */
export function startFollower(origins: readonly string[], cutMs: number) {
  const messages: Message[] = []
  const state = { lastEventId: '', connections: 0, stopped: false }
  let cutting = new AbortController()

  async function connect(origin: string): Promise<void> {
    cutting = new AbortController()
    const { signal } = cutting
    const timer = setTimeout(() => cutting.abort(), cutMs)
    const headers = state.lastEventId === '' ? KEY : { ...KEY, 'last-event-id': state.lastEventId }
    const read = createBlocks(
      (id) => void (state.lastEventId = id),
      (message) => messages.push(message),
    )
    try {
      const { statusCode, body } = await request(`${origin}/api/v1/events/stream`, {
        headers,
        signal,
      })
      if (statusCode !== 200) throw new Error(`the stream answered ${statusCode}`)
      state.connections += 1
      body.setEncoding('utf8')
      for await (const chunk of body) read(String(chunk))
    } finally {
      clearTimeout(timer)
    }
  }

  async function follow(): Promise<void> {
    for (let turn = 0; !state.stopped; turn += 1) {
      // Cut off, or nobody there: both are what the next connection is for.
      await connect(origins[turn % origins.length] ?? '').catch(() => pause(RETRY_MS))
    }
  }

  const following = follow()
  return {
    messages,
    state,
    async stop(): Promise<void> {
      state.stopped = true
      cutting.abort()
      await following
    },
  }
}

export type Follower = ReturnType<typeof startFollower>
