/** Where the bot wants its updates pushed. */
import type { Bounds } from './bounds.ts'
import { BadPayload } from './errors.ts'
import { UPDATE_TYPES, type QueryResult } from './wire.ts'

export interface Subscription {
  readonly url: string
  /** Unix milliseconds of the last POST. */
  readonly time: number
  /** Absent: all. */
  readonly updateTypes?: readonly string[] | undefined
  readonly secret?: string | undefined
}

export interface NewSubscription {
  url: string
  update_types?: readonly string[] | undefined
  secret?: string | undefined
}

interface Deps {
  bounds: Bounds
  now: () => number
  /** Also take `http://` and any port when the host is this machine: the platform does not, a development tool must. */
  loopbackTargets: boolean
}

const SECRET = /^[A-Za-z0-9_-]{5,256}$/u
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]'])

export class Subscriptions {
  readonly #deps: Deps
  readonly #byUrl = new Map<string, Subscription>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The same URL again refreshes secret and types. @throws BadPayload */
  add({ url, update_types, secret }: NewSubscription): QueryResult {
    this.#checkUrl(url)
    if (secret !== undefined && !SECRET.test(secret)) {
      throw new BadPayload('secret: 5 to 256 characters out of A-Z, a-z, 0-9, _ and -')
    }
    const unknown = update_types?.find((type) => !UPDATE_TYPES.some((known) => known === type))
    if (unknown !== undefined) throw new BadPayload(`Unknown update type: ${unknown}`)
    if (!this.#byUrl.has(url) && this.#byUrl.size >= this.#deps.bounds.subscriptions) {
      return { success: false, message: `At most ${this.#deps.bounds.subscriptions} subscriptions` }
    }
    this.#byUrl.set(url, {
      url,
      time: this.#deps.now(),
      // What an empty list means is not documented; it can hardly mean a subscription to nothing.
      updateTypes: update_types !== undefined && update_types.length > 0 ? update_types : undefined,
      secret,
    })
    return { success: true }
  }

  remove(url: string): boolean {
    return this.#byUrl.delete(url)
  }

  /** Of an update type, or whether anybody is subscribed at all. */
  matching(updateType: string): Subscription[] {
    return this.list().filter(({ updateTypes }) => updateTypes?.includes(updateType) ?? true)
  }

  get any(): boolean {
    return this.#byUrl.size > 0
  }

  find(url: string): Subscription | undefined {
    return this.#byUrl.get(url)
  }

  list(): Subscription[] {
    return [...this.#byUrl.values()]
  }

  clear(): void {
    this.#byUrl.clear()
  }

  #checkUrl(text: string): void {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url === undefined || url.username !== '' || url.password !== '') {
      throw new BadPayload('url: malformed')
    }
    const here = this.#deps.loopbackTargets && LOOPBACK.has(url.hostname)
    if (here && (url.protocol === 'http:' || url.protocol === 'https:')) return
    if (url.protocol !== 'https:') throw new BadPayload('url: must start with https://')
    if (url.port !== '') throw new BadPayload('url: only port 443 is allowed')
  }
}
