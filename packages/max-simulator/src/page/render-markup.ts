/**
 * Text and markup to HTML for the chat page. Everything that people or the bot wrote is escaped before it meets a tag; the
 * tags and their attributes are written here, and a link that could run code becomes plain text.
 */
import type { Markup } from '../platform/wire.ts'

const TAGS: Readonly<Record<Exclude<Markup['type'], 'link'>, readonly [string, string]>> = {
  strong: ['<strong>', '</strong>'],
  emphasized: ['<em>', '</em>'],
  strikethrough: ['<s>', '</s>'],
  underline: ['<u>', '</u>'],
  monospaced: ['<code>', '</code>'],
  highlighted: ['<mark>', '</mark>'],
  heading: ['<span class="heading">', '</span>'],
  quote: ['<span class="quote">', '</span>'],
  user_mention: ['<span class="mention">', '</span>'],
}

const SAFE_LINK = /^(?:https?:\/\/|mailto:|tel:|max:\/\/)/iu

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

/** @param markup outer before inner; whatever lies outside its surroundings is cut to them */
export function renderMarkup(text: string, markup: readonly Markup[] = []): string {
  const marks = markup.toSorted((a, b) => a.from - b.from || b.length - a.length)
  return render(text, 0, text.length, marks)
}

function render(text: string, from: number, to: number, marks: readonly Markup[]): string {
  let html = ''
  let at = from
  for (let index = 0; index < marks.length; index += 1) {
    const mark = marks[index]
    if (mark === undefined) break
    const begin = Math.max(mark.from, at)
    const end = Math.min(mark.from + mark.length, to)
    // Not here, or already inside a mark that was rendered.
    if (begin >= end || mark.from < at) continue
    const inner = marks.slice(index + 1).filter((other) => other.from >= begin && other.from < end)
    const [open, close] = tagsOf(mark)
    html += escapeHtml(text.slice(at, begin)) + open + render(text, begin, end, inner) + close
    // A quote is a block: the line ends with it, not once more after it.
    at = mark.type === 'quote' && text.startsWith('\n', end) ? end + 1 : end
  }
  return html + escapeHtml(text.slice(at, to))
}

function tagsOf(mark: Markup): readonly [string, string] {
  if (mark.type !== 'link') return TAGS[mark.type]
  if (mark.url === undefined || !SAFE_LINK.test(mark.url)) return ['', '']
  return [
    `<a href="${escapeHtml(mark.url)}" target="_blank" rel="noopener noreferrer nofollow">`,
    '</a>',
  ]
}
