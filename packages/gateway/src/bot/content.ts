import { fmt } from '@maxhub/max-bot-api'
import { BUTTON_TEXT_LIMIT, TEXT_LIMIT, type Button, type Content } from './outgoing.ts'
import { shorten } from './task-line.ts'

/** User text as it may stand in a message: nothing in it is markup. */
export function escaped(text: string, limit = 500): string {
  return fmt.escapeHtml(shorten(text, limit))
}

export const bold = (html: string): string => fmt.boldHtml(html)

/** A button; what a person named it is cut to what the platform takes. */
export function button(text: string, payload: string): Button {
  return { text: shorten(text, BUTTON_TEXT_LIMIT), payload }
}

/** A message; lines that are too many for one are left out at the end, whole, so that no markup is torn. */
export function content(
  lines: readonly (string | undefined)[],
  buttons: readonly Button[][] = [],
): Content {
  const kept: string[] = []
  let length = 0
  for (const line of lines) {
    if (line === undefined) continue
    if (length + line.length + 2 > TEXT_LIMIT) {
      kept.push('…')
      break
    }
    kept.push(line)
    length += line.length + 1
  }
  const rows = buttons.filter((row) => row.length > 0)
  return { html: kept.join('\n'), ...(rows.length === 0 ? {} : { buttons: rows }) }
}

/** A bar picture of characters. */
export function bar(value: number, greatest: number, width = 8): string {
  const full = greatest <= 0 ? 0 : Math.round((value / greatest) * width)
  return '█'.repeat(full) + '░'.repeat(width - full)
}
