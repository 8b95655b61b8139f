import type { Priority } from '@potok/contracts/task'
import { readDueAtStart, type DateContext } from './dates/index.ts'

export const TITLE_LIMIT = 200
export const DESCRIPTION_LIMIT = 10_000
const TAG_LIMIT = 64
const TAGS_LIMIT = 32

/** What a person wrote after `/new`, taken apart. */
export interface TaskLine {
  title: string
  description?: string
  priority?: Priority
  /** Epoch milliseconds. `past`: it is over already, ask again. */
  due?: { at: number; past: boolean }
  /** As it was written; `maxUserId`: mentioned by the platform's means. */
  assignee?: { name: string; maxUserId?: number }
  tags: string[]
}

/** A mention of a person, as the platform marks it in a text. */
export interface Mention {
  from: number
  length: number
  maxUserId: number
}

const PRIORITIES: readonly (readonly [RegExp, Priority])[] = [
  [/^(срочн(о|ый|ая|ое)|urgent)$/u, 'urgent'],
  [/^(высок(ий|ая|ое)|важно|high)$/u, 'high'],
  [/^(обычн(ый|ая|ое)|средн(ий|яя|ее)|normal)$/u, 'normal'],
  [/^(низк(ий|ая|ое)|low)$/u, 'low'],
]

/** «высокий», «!срочно», `high`. */
export function readPriority(word: string): Priority | undefined {
  const plain = word.toLowerCase().replace(/^!/u, '')
  return PRIORITIES.find(([pattern]) => pattern.test(plain))?.[1]
}

const DUE = /(?:^|\s)(?:до|by|until)\s+/giu
const MARK = /(?<=^|\s)([!@#])([\p{L}\p{N}][\p{L}\p{N}._-]*)/gu

/**
 * Reads the inline syntax: `!высокий`, `@имя`, `до 25.11`, `#тег`. What is not understood stays in the title. The first
 * line is the title, the others are the description.
 */
export function readTaskLine(
  text: string,
  context: DateContext & { mentions?: readonly Mention[] },
): TaskLine {
  const line: TaskLine = { title: '', tags: [] }
  const unmentioned = takeMention(text, context.mentions ?? [], line)
  const [head = '', ...rest] = unmentioned.trim().split(/\r?\n/u)
  const marked = takeMarks(head, line)
  const title = takeDue(marked, context, line)
    .replaceAll(/\s+/gu, ' ')
    .replace(/^[\s,;:.—–-]+(?=\s)/u, '')
    .trim()
  const description = rest.join('\n').trim()
  // A title that is too long is kept whole in the description: nothing that was typed is lost.
  const whole = title.length > TITLE_LIMIT ? [title, description].filter(Boolean).join('\n') : ''
  line.title = shorten(title, TITLE_LIMIT)
  const kept = whole === '' ? description : whole
  if (kept !== '') line.description = shorten(kept, DESCRIPTION_LIMIT)
  return line
}

/** Cuts at a length without halving a character. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text
  const cut = text.slice(0, limit - 1)
  return `${cut.isWellFormed() ? cut : cut.slice(0, -1)}…`
}

function takeMention(text: string, mentions: readonly Mention[], line: TaskLine): string {
  const first = mentions[0]
  if (first === undefined) return text
  const { from, length, maxUserId } = first
  line.assignee = { name: text.slice(from, from + length), maxUserId }
  return `${text.slice(0, from)} ${text.slice(from + length)}`
}

function takeMarks(head: string, line: TaskLine): string {
  return head.replaceAll(MARK, (whole, mark: string, word: string) => {
    const end = /[._-]+$/u.exec(word)?.[0] ?? ''
    const name = word.slice(0, word.length - end.length)
    return takeMark(mark, name, line) ? end : whole
  })
}

function takeMark(mark: string, word: string, line: TaskLine): boolean {
  if (mark === '!') {
    const priority = readPriority(word)
    if (priority === undefined) return false
    line.priority = priority
    return true
  }
  if (mark === '@') {
    if (line.assignee !== undefined) return false
    line.assignee = { name: word }
    return true
  }
  if (word.length > TAG_LIMIT || line.tags.length >= TAGS_LIMIT) return false
  if (!line.tags.includes(word)) line.tags.push(word)
  return true
}

/** The last «до …» that is a date; «дойти до банка» is none. */
function takeDue(head: string, context: DateContext, line: TaskLine): string {
  for (const match of [...head.matchAll(DUE)].toReversed()) {
    const start = match.index + match[0].length
    const after = head.slice(start)
    const found = readDueAtStart(after, context)
    if (found !== undefined) {
      line.due = { at: found.at, past: found.past }
      const left = after.split(/\s+/u).slice(found.used).join(' ')
      return `${head.slice(0, match.index)} ${left}`
    }
  }
  return head
}
