/** What happens on the platform, told to those who watch it: the chat page and tests in the same process. */
import type { Chat } from './chats.ts'
import type { StoredMessage } from './messages.ts'
import type { Person } from './people.ts'

export type Change =
  | { kind: 'message'; message: StoredMessage; chat: Chat }
  | { kind: 'message-removed'; chatId: number; mid: string }
  | { kind: 'person'; person: Person }
  | { kind: 'chat'; chat: Chat }
  | { kind: 'history-cleared'; chatId: number }
  | { kind: 'action'; chatId: number; action: string }
  /** Subscriptions, polling or the bot's own data. */
  | { kind: 'connection' }
  | { kind: 'reset' }

export type Listener = (change: Change) => void

export class Changes {
  readonly #listeners = new Set<Listener>()

  /** Answers the function that ends it. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell(change: Change): void {
    for (const listener of this.#listeners) listener(change)
  }
}
