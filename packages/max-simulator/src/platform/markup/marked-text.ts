/** Text without its markup, and the markup beside it: what the platform stores and sends. */
import type { Markup } from '../wire.ts'

export interface MarkedText {
  text: string
  markup: Markup[]
}

export class MarkedTextBuilder {
  #text = ''
  readonly #markup: Markup[] = []

  get length(): number {
    return this.#text.length
  }

  append(text: string): void {
    this.#text += text
  }

  /** Marks what was appended since `from`; nothing appended, nothing marked. */
  mark(type: Markup['type'], from: number, target: { url?: string; user_id?: number } = {}): void {
    const length = this.#text.length - from
    if (length > 0) this.#markup.push({ type, from, length, ...target })
  }

  /** Outer before inner. */
  finish(): MarkedText {
    const markup = this.#markup.toSorted((a, b) => a.from - b.from || b.length - a.length)
    return { text: this.#text, markup }
  }
}

/** A link to a person is a mention on the platform, any other stays a link. */
export function linkMark(url: string): Pick<Markup, 'type' | 'url' | 'user_id'> {
  const mention = /^max:\/\/user\/(\d{1,15})$/u.exec(url)
  return mention === null
    ? { type: 'link', url }
    : { type: 'user_mention', user_id: Number(mention[1]) }
}
