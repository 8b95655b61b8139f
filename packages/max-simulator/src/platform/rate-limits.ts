/**
 * The platform's limits on the bot: 30 requests a second, 2 a second of each kind for each chat, 2 polls a second. Real
 * seconds, whatever the scale of the clock: the bot paces itself by real time. A refused request does not count.
 */
import { forgetOldest } from './bounds.ts'
import { TooManyRequests } from './errors.ts'

const REQUESTS_PER_SECOND = 30
const PER_CHAT_PER_SECOND = 2
const POLLS_PER_SECOND = 2
const WINDOW_MS = 1000
/** Chats whose last second is remembered. */
const MAX_WINDOWS = 10_000

export type ChatOperation = 'send' | 'edit' | 'delete' | 'answer'

export class RateLimits {
  enabled: boolean
  readonly #now: () => number
  readonly #windows = new Map<string, number[]>()

  constructor({ enabled, now }: { enabled: boolean; now: () => number }) {
    this.enabled = enabled
    this.#now = now
  }

  /** @throws TooManyRequests */
  request(): void {
    this.#take('all', REQUESTS_PER_SECOND, 'Too many requests')
  }

  /** @throws TooManyRequests */
  poll(): void {
    this.#take('poll', POLLS_PER_SECOND, 'Too many requests for updates')
  }

  /** @throws TooManyRequests */
  chat(operation: ChatOperation, chatId: number): void {
    this.#take(`${operation} ${chatId}`, PER_CHAT_PER_SECOND, `Too many requests to chat ${chatId}`)
  }

  clear(): void {
    this.#windows.clear()
  }

  #take(key: string, most: number, reason: string): void {
    if (!this.enabled) return
    const now = this.#now()
    const recent = (this.#windows.get(key) ?? []).filter((at) => at > now - WINDOW_MS)
    if (recent.length >= most) throw new TooManyRequests(reason)
    recent.push(now)
    this.#windows.delete(key)
    this.#windows.set(key, recent)
    forgetOldest(this.#windows, MAX_WINDOWS)
  }
}
