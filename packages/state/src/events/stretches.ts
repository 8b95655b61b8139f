import { randomBytes } from 'node:crypto'
import type { StreamReset } from '@potok/contracts/event'

/**
 * The log is a row of stretches, each with a random epoch: one begins whenever a process starts and whenever the store
 * is seen to have been put back. A cursor names the stretch of its position, so that it stays good over restarts, but
 * not over the restore of a backup: positions given again after that belong to another stretch.
 */
export interface Stretch {
  epoch: string
  /** The stretch begins above this position; it ends where the next one begins. */
  after: number
}

/** What the log looked like at one moment. */
export interface LogView {
  /** Position of the newest event that has one. */
  head: number
  /** Position of the newest event that retention removed. */
  purged: number
  /** Ascending. */
  stretches: readonly Stretch[]
}

export type Located = { position: number } | { reason: StreamReset['reason'] }

const CURSOR = /^(?<epoch>[A-Za-z0-9]{1,32})\.(?<position>[0-9]{1,19})$/u

export const newEpoch = (): string => randomBytes(6).toString('hex')

/** The cursor of a position that is not above the head of `view`. */
export function cursorAt(view: LogView, position: number): string {
  const stretch = view.stretches.findLast(({ after }) => after < position)
  return `${stretch?.epoch ?? view.stretches[0]?.epoch ?? ''}.${position}`
}

/** Where reading goes on after `cursor`, or why it cannot. */
export function locate(view: LogView, cursor: string): Located {
  const match = CURSOR.exec(cursor)
  const index = view.stretches.findIndex(({ epoch }) => epoch === match?.groups?.['epoch'])
  const stretch = view.stretches[index]
  if (stretch === undefined) return { reason: 'foreign_epoch' }
  const position = Number(match?.groups?.['position'])
  if (position <= stretch.after) return { reason: 'foreign_epoch' }
  const end = view.stretches[index + 1]?.after ?? view.head
  if (position > end) return { reason: 'ahead_of_head' }
  if (position < view.purged) return { reason: 'past_retention' }
  return { position }
}
