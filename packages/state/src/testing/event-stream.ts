import { onTestFinished } from 'vitest'
import { key } from './service.ts'

export interface Message {
  id: string
  event: string
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into data of many shapes
  data: any
}

/** Reads blocks of an event stream as EventSource does. */
export function createEventParser(onMessage: (message: Message) => void) {
  const state = { lastEventId: '', comments: [] as string[] }
  let text = ''
  return {
    state,
    push(chunk: string): void {
      text += chunk
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const message: Message = { id: '', event: 'message', data: undefined }
        for (const line of block.split('\n')) {
          if (line.startsWith(':')) state.comments.push(line.slice(2))
          if (line.startsWith('id: ')) state.lastEventId = line.slice(4)
          if (line.startsWith('event: ')) message.event = line.slice(7)
          if (line.startsWith('data: ')) message.data = JSON.parse(line.slice(6))
        }
        if (message.data !== undefined) onMessage({ ...message, id: state.lastEventId })
      }
    },
  }
}

/** Follows the stream of a listening service until it is cut or the test is over. */
export async function follow(base: string, options: { path?: string; lastEventId?: string } = {}) {
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  const { path = '', lastEventId } = options
  const response = await fetch(`${base}/api/v1/events/stream${path}`, {
    headers: { ...key, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) },
    signal: abort.signal,
  })
  const messages: Message[] = []
  const parser = createEventParser((message) => messages.push(message))
  const decoder = new TextDecoder()
  const read = async (): Promise<void> => {
    for await (const chunk of response.body ?? [])
      parser.push(decoder.decode(chunk, { stream: true }))
  }
  const done = read().catch(() => undefined)
  return { response, messages, state: parser.state, done, cut: () => abort.abort() }
}

/** Entity events among messages, as `id/version`. */
export const versionsOf = (messages: readonly Message[]): string[] =>
  messages
    .filter(({ event }) => event.startsWith('entity.'))
    .map(({ data }) => `${data.data.id}/${data.data.version}`)
