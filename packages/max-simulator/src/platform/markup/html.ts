/** The HTML subset of MAX: known tags become markup, all others are stripped, entities are decoded. */
import type { Markup } from '../wire.ts'
import { linkMark, MarkedTextBuilder, type MarkedText } from './marked-text.ts'

/** Maps, not objects: `constructor` is no tag. */
const TAGS: ReadonlyMap<string, Markup['type']> = new Map(
  Object.entries({
    i: 'emphasized',
    em: 'emphasized',
    b: 'strong',
    strong: 'strong',
    s: 'strikethrough',
    del: 'strikethrough',
    u: 'underline',
    ins: 'underline',
    pre: 'monospaced',
    code: 'monospaced',
    mark: 'highlighted',
    blockquote: 'quote',
    h1: 'heading',
    a: 'link',
  } as const),
)
const ENTITIES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    lt: '<',
    gt: '>',
    amp: '&',
    quot: '"',
    apos: "'",
    nbsp: '\u00A0',
  }),
)

interface Open {
  tag: string
  from: number
  href: string
}

export function parseHtml(source: string): MarkedText {
  const out = new MarkedTextBuilder()
  const open: Open[] = []
  let at = 0
  for (const token of source.matchAll(/<(\/?)([a-z][a-z0-9]*)((?:\s[^<>]*)?)>/giu)) {
    out.append(decode(source.slice(at, token.index)))
    at = token.index + token[0].length
    const tag = (token[2] ?? '').toLowerCase()
    if (token[1] === '/') close(open, tag, out)
    else if (TAGS.has(tag)) open.push({ tag, from: out.length, href: hrefOf(token[3] ?? '') })
  }
  out.append(decode(source.slice(at)))
  while (open.length > 0) close(open, open.at(-1)?.tag ?? '', out)
  return out.finish()
}

/** Closes a tag and everything that was opened inside it and forgotten. */
function close(open: Open[], tag: string, out: MarkedTextBuilder): void {
  const index = open.findLastIndex((candidate) => candidate.tag === tag)
  if (index < 0) return
  for (const { tag: name, from, href } of open.splice(index).toReversed()) {
    const type = TAGS.get(name)
    if (name === 'a') {
      const { type: kind, ...target } = linkMark(href)
      if (href !== '') out.mark(kind, from, target)
    } else if (type !== undefined && !open.some((outer) => TAGS.get(outer.tag) === type)) {
      // <pre><code> is one monospaced piece, not two.
      out.mark(type, from)
    }
  }
}

function hrefOf(attributes: string): string {
  const match = /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')/iu.exec(attributes)
  return decode(match?.[1] ?? match?.[2] ?? '')
}

function decode(text: string): string {
  return text.replaceAll(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/giu,
    (whole, dec, hex, name) => {
      if (typeof name === 'string') return ENTITIES.get(name.toLowerCase()) ?? whole
      const code = typeof dec === 'string' ? Number(dec) : Number.parseInt(String(hex), 16)
      return code > 0 && code <= 0x10_ff_ff && (code < 0xd8_00 || code > 0xdf_ff)
        ? String.fromCodePoint(code)
        : whole
    },
  )
}
