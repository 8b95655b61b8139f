/**
 * MAX-flavoured markdown: `*i*` `_i_` `**b**` `__b__` `~~s~~` `++u++` `^^h^^`, code, quotes, headers, links, mentions, and a
 * backslash before any punctuation. Everything else is text.
 */
import type { Markup } from '../wire.ts'
import { linkMark, MarkedTextBuilder, type MarkedText } from './marked-text.ts'

/** Doubles before singles: `**` must not be read as two `*`. */
const DELIMITERS: readonly (readonly [string, Markup['type']])[] = [
  ['**', 'strong'],
  ['__', 'strong'],
  ['~~', 'strikethrough'],
  ['++', 'underline'],
  ['^^', 'highlighted'],
  ['*', 'emphasized'],
  ['_', 'emphasized'],
]
const PUNCTUATION = /[!-/:-@[-`{-~]/u
const WORD = /[\p{L}\p{N}]/u
const FENCE = /^```[\w-]*$/u

export function parseMarkdown(source: string): MarkedText {
  const out = new MarkedTextBuilder()
  const lines = source.split('\n')
  let at = 0
  while (at < lines.length) {
    if (at > 0) out.append('\n')
    at = block(lines, at, out)
  }
  return out.finish()
}

/** Reads one block that begins at a line; answers where the next one begins. */
function block(lines: readonly string[], at: number, out: MarkedTextBuilder): number {
  const line = lines[at] ?? ''
  const from = out.length
  const fence = FENCE.test(line) ? lines.indexOf('```', at + 1) : -1
  if (fence > at) {
    out.append(lines.slice(at + 1, fence).join('\n'))
    out.mark('monospaced', from)
    return fence + 1
  }
  const heading = /^#{1,6} +(.*)$/u.exec(line)
  if (heading !== null) {
    inline(heading[1] ?? '', out)
    out.mark('heading', from)
    return at + 1
  }
  const quoted = run(lines, at, (candidate) => candidate.startsWith('>'))
  if (quoted > at) {
    const text = lines.slice(at, quoted).map((candidate) => candidate.replace(/^> ?/u, ''))
    inline(text.join('\n'), out)
    out.mark('quote', from)
    return quoted
  }
  // A paragraph: emphasis may go over its lines, not over an empty one. The first line always belongs to it.
  const end = run(
    lines,
    at + 1,
    (candidate) => candidate !== '' && !/^(?:#{1,6} |>|```[\w-]*$)/u.test(candidate),
  )
  const last = line === '' ? at + 1 : end
  inline(lines.slice(at, last).join('\n'), out)
  return last
}

function run(lines: readonly string[], from: number, belongs: (line: string) => boolean): number {
  let end = from
  while (end < lines.length && belongs(lines[end] ?? '')) end += 1
  return end
}

function inline(source: string, out: MarkedTextBuilder): void {
  let at = 0
  while (at < source.length) at = step(source, at, out)
}

/** Reads one piece of text; answers where the next one begins. */
function step(source: string, at: number, out: MarkedTextBuilder): number {
  const char = source.charAt(at)
  if (char === '\\' && PUNCTUATION.test(source.charAt(at + 1))) {
    out.append(source.charAt(at + 1))
    return at + 2
  }
  const read = char === '`' ? code : char === '[' ? link : emphasis
  const next = read(source, at, out)
  if (next > at) return next
  out.append(char)
  return at + 1
}

function code(source: string, at: number, out: MarkedTextBuilder): number {
  const end = codeEnd(source, at)
  if (end === at) return at
  const ticks = source.startsWith('```', at) ? 3 : 1
  const from = out.length
  out.append(source.slice(at + ticks, end - ticks))
  out.mark('monospaced', from)
  return end
}

/** Where a code span that begins here ends; here when it never does. */
function codeEnd(source: string, at: number): number {
  const ticks = source.startsWith('```', at) ? '```' : '`'
  const close = source.indexOf(ticks, at + ticks.length)
  return close > at + ticks.length ? close + ticks.length : at
}

function emphasis(source: string, at: number, out: MarkedTextBuilder): number {
  for (const [delimiter, type] of DELIMITERS) {
    if (!source.startsWith(delimiter, at)) continue
    const begin = at + delimiter.length
    const end = closing(source, at, delimiter)
    if (end < 0) continue
    const from = out.length
    inline(source.slice(begin, end), out)
    out.mark(type, from)
    return end + delimiter.length
  }
  return at
}

/** Where the delimiter that opens here is closed; -1 when it is only text. */
function closing(source: string, at: number, delimiter: string): number {
  const begin = at + delimiter.length
  if (!/\S/u.test(source.charAt(begin))) return -1
  const underscore = delimiter.startsWith('_')
  // task_123_x is a name, not an emphasis.
  if (underscore && WORD.test(source.charAt(at - 1))) return -1
  let here = begin
  while (here < source.length) {
    const skipped = skip(source, here, delimiter)
    if (skipped > here) {
      here = skipped
      continue
    }
    if (source.startsWith(delimiter, here) && here > begin && /\S/u.test(source.charAt(here - 1))) {
      const after = here + delimiter.length
      // In `***` the double closes with the last two.
      if (delimiter.length === 2 && source.charAt(after) === delimiter.charAt(0)) here += 1
      else if (!underscore || !WORD.test(source.charAt(after))) return here
    }
    here += 1
  }
  return -1
}

/** Escapes, code and doubled delimiters hide what is in them from a search for the end. */
function skip(source: string, here: number, delimiter: string): number {
  const char = source.charAt(here)
  if (char === '\\') return here + 2
  if (char === '`') return codeEnd(source, here)
  const double = delimiter.length === 1 && source.startsWith(delimiter + delimiter, here)
  return double ? here + 2 : here
}

function link(source: string, at: number, out: MarkedTextBuilder): number {
  const middle = bracketEnd(source, at, '[', ']')
  if (middle < 0 || source.charAt(middle + 1) !== '(') return at
  const end = bracketEnd(source, middle + 1, '(', ')')
  const url = source.slice(middle + 2, end).replaceAll(/\\([!-/:-@[-`{-~])/gu, '$1')
  if (end < 0 || url === '' || /\s/u.test(url)) return at
  const from = out.length
  inline(source.slice(at + 1, middle), out)
  const { type, ...target } = linkMark(url)
  out.mark(type, from, target)
  return end + 1
}

function bracketEnd(source: string, at: number, open: string, close: string): number {
  let depth = 0
  for (let here = at; here < source.length; here += 1) {
    const char = source.charAt(here)
    if (char === '\\') here += 1
    else if (char === open) depth += 1
    else if (char === close) depth -= 1
    if (depth === 0) return here
  }
  return -1
}
