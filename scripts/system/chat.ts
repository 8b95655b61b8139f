import { setTimeout as pause } from 'node:timers/promises'

/** What the chat page shows of a message. */
export interface ChatMessage {
  mid: string
  text?: string | null
  sender: { userId: number; name: string; isBot: boolean }
  buttons: { text: string; payload?: string }[][]
  timestamp: number
  editedAt?: number
}

const POLL_MS = 20
const PATIENCE_MS = 15_000

async function call<T>(url: string, method: 'GET' | 'POST', body?: object): Promise<T> {
  const response = await fetch(url, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

/** A person in the simulated MAX: writes, presses, reads. */
export async function createPerson(simulator: string, firstName: string) {
  const { userId } = await call<{ userId: number }>(`${simulator}/control/people`, 'POST', {
    firstName,
  })
  const base = `${simulator}/control/people/${userId}`
  const person = {
    userId,
    start: (payload?: string): Promise<unknown> =>
      call(`${base}/start`, 'POST', payload === undefined ? {} : { payload }),
    write: (text: string): Promise<unknown> => call(`${base}/messages`, 'POST', { text }),
    /** Presses the newest button with that text. */
    press: (text: string): Promise<unknown> => call(`${base}/presses`, 'POST', { text }),
    messages: (): Promise<ChatMessage[]> => call<ChatMessage[]>(`${base}/messages`, 'GET'),
    /** Waits for a message of the bot. @throws Error with what is there when it does not come */
    async sees(wanted: (message: ChatMessage) => boolean, what: string): Promise<ChatMessage> {
      const deadline = Date.now() + PATIENCE_MS
      for (;;) {
        const messages = await person.messages()
        const found = messages.find((message) => message.sender.isBot && wanted(message))
        if (found) return found
        if (Date.now() > deadline) {
          throw new Error(
            `${firstName} does not see ${what}. The chat: ${JSON.stringify(messages, null, 1)}`,
          )
        }
        await pause(POLL_MS)
      }
    },
  }
  return person
}

export type Person = Awaited<ReturnType<typeof createPerson>>

/** Does the message have a button with that text? */
export function hasButton(message: ChatMessage, text: string): boolean {
  return message.buttons.flat().some((button) => button.text.includes(text))
}
