import type { Told } from './dashboard.ts'

/** Place in the event log that a cursor stands for. */
const positionOf = (cursor: string): number => Number(cursor.slice(cursor.lastIndexOf('.') + 1))

/**
 * Holds what one client was told against the log: between two reloads it is a stretch of the log, without gap, duplicate
 * or change of order; after a reload it goes on right behind the reload's cursor, and at the end nothing is missing.
 * @param log cursors of every change, in the log's order
 * @returns every violation, in words
 */
export function checkContinuity(told: readonly Told[], log: readonly string[]): string[] {
  const faults: string[] = []
  let next = 0
  for (const one of told) {
    if ('reload' in one) {
      const from = positionOf(one.reload)
      const behind = log.findIndex((cursor) => positionOf(cursor) > from)
      next = behind === -1 ? log.length : behind
      continue
    }
    const place = log.indexOf(one.change, Math.max(0, next - 1))
    if (log[next] !== one.change) {
      faults.push(
        place > next
          ? `${place - next} lost before ${one.change}`
          : `${one.change} came twice or out of order`,
      )
    }
    next = Math.max(next, place + 1)
  }
  if (told[0] === undefined || !('reload' in told[0])) faults.push('it was never told to load')
  if (next < log.length) faults.push(`${log.length - next} lost at the end`)
  return faults
}
