import { positionOf } from '../events/index.ts'
import type { Change } from './changes.ts'

/** What was told on one channel: everything after `from`, up to `told`. */
interface Span {
  readonly from: bigint
  told: bigint
  /** Cursor of `told`. */
  cursor: string
}

const spanFrom = (cursor: string): Span => ({
  from: positionOf(cursor),
  told: positionOf(cursor),
  cursor,
})

/**
 * What one socket was told of the log. Mostly it stands in the rooms of its channels and this only remembers since when.
 * While it is told what it missed, or has been told more than this replica has seen itself, it stands outside, takes
 * every change singly, and is told each once, however many of its channels carry it.
 */
export class Follower {
  readonly #spans = new Map<string, Span>()
  readonly #tell: (change: Change) => void
  /** What came in on the channel that is being replayed. */
  #pending: { channel: string; waiting: Change[] } | undefined

  constructor(tell: (change: Change) => void) {
    this.#tell = tell
  }

  get channels(): string[] {
    return [...this.#spans.keys()]
  }

  has(channel: string): boolean {
    return this.#spans.has(channel)
  }

  /** Changes that wait for the end of a replay. */
  get waiting(): number {
    return this.#pending?.waiting.length ?? 0
  }

  /** From here on, without what was before. */
  follow(channel: string, cursor: string): void {
    if (!this.#spans.has(channel)) this.#spans.set(channel, spanFrom(cursor))
  }

  unfollow(channel: string): void {
    this.#spans.delete(channel)
    if (this.#pending?.channel === channel) this.#pending = undefined
  }

  /** It leaves the rooms, in which it was told everything up to here. */
  leaveRooms(cursor: string): void {
    const position = positionOf(cursor)
    for (const span of this.#spans.values()) {
      if (span.told < position) Object.assign(span, { told: position, cursor })
    }
  }

  /** May it go back into the rooms, where everybody is told what comes after `feed`? */
  isLevelWith(feed: bigint): boolean {
    if (this.#pending !== undefined) return false
    return [...this.#spans.values()].every(({ told }) => told <= feed)
  }

  /** Up to where a channel was told, when `feed` is where this replica stands. */
  cursorOf(channel: string, feed: string): string {
    const span = this.#spans.get(channel)
    return span !== undefined && span.told > positionOf(feed) ? span.cursor : feed
  }

  /** A change that just happened, for one outside of the rooms. */
  take(change: Change): void {
    const isPending = (channel: string): boolean => channel === this.#pending?.channel
    if (change.channels.some(isPending)) this.#pending?.waiting.push(change)
    const owed = change.channels
      .filter((channel) => !isPending(channel))
      .map((channel) => this.#spans.get(channel))
      .filter((span) => span !== undefined && span.told < change.position)
    if (owed.length === 0) return
    this.#tellOnce(change)
    for (const span of owed) this.#advance(span, change)
  }

  /** From here on what happens on the channel waits until `replay` has told what was missed. */
  expect(channel: string, since: string): void {
    this.#spans.set(channel, spanFrom(since))
    this.#pending = { channel, waiting: [] }
  }

  /**
   * Tells what was missed, then what came in meanwhile.
   * @param upTo cursor up to which `missed` is complete
   * @param room resolves when the connection can take more; false: it has gone
   */
  async replay(missed: readonly Change[], upTo: string, room: () => Promise<boolean>) {
    const { channel = '', waiting = [] } = this.#pending ?? {}
    const span = this.#spans.get(channel)
    if (span === undefined) return
    // Whoever left the channel meanwhile, or lost the right to it, is told nothing more of it.
    const goesOn = async (): Promise<boolean> => (await room()) && this.#spans.get(channel) === span
    for (const change of missed.filter(({ channels }) => channels.includes(channel))) {
      if (!(await goesOn())) return
      this.#tellOnce(change)
      this.#advance(span, change)
    }
    const position = positionOf(upTo)
    if (position > span.told) Object.assign(span, { told: position, cursor: upTo })
    for (let change = waiting.shift(); change !== undefined; change = waiting.shift()) {
      if (change.position <= span.told) continue
      if (!(await goesOn())) return
      this.#tellOnce(change)
      this.#advance(span, change)
    }
    this.#pending = undefined
  }

  #advance(span: Span | undefined, { position, payload }: Change): void {
    if (span !== undefined) Object.assign(span, { told: position, cursor: payload.cursor })
  }

  /** Another of its channels may have told it already. */
  #tellOnce(change: Change): void {
    const isTold = change.channels.some((channel) => {
      const span = this.#spans.get(channel)
      return span !== undefined && span.from < change.position && change.position <= span.told
    })
    if (!isTold) this.#tell(change)
  }
}
