import { DatabaseUnavailable } from './errors.ts'

/** Primary result codes that say "not now" or "not on this disk": busy, I/O error, corrupt, full, cannot open. */
const UNAVAILABLE = new Set([5, 10, 11, 13, 14])

/** `@photostructure/sqlite` leaves the code out of what a statement with rows throws: SQLite's own texts stand for it. */
const CODES_BY_TEXT: readonly [start: string, code: number][] = [
  ['UNIQUE constraint failed', 2067],
  ['database is locked', 5],
  ['disk I/O error', 10],
  ['database disk image is malformed', 11],
  ['database or disk is full', 13],
  ['unable to open database file', 14],
]

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_SQLITE_ERROR') {
    return undefined
  }
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode
  return CODES_BY_TEXT.find(([start]) => error.message.startsWith(start))?.[1]
}

/** SQLITE_BUSY, whatever its extension. */
export const isBusy = (error: unknown): boolean => ((resultCode(error) ?? 0) & 0xff) === 5

/** SQLITE_CONSTRAINT_UNIQUE or SQLITE_CONSTRAINT_PRIMARYKEY. */
export const isSqliteUniqueViolation = (error: unknown): boolean => {
  const code = resultCode(error)
  return code === 2067 || code === 1555
}

/** Turns what says that the file cannot be used into {@link DatabaseUnavailable}; leaves all else. */
export function fromSqlite(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code = resultCode(error)
  const closed = error.message === 'database is not open'
  if (!closed && !UNAVAILABLE.has((code ?? 0) & 0xff)) return error
  const unavailable = new DatabaseUnavailable(error.message)
  unavailable.cause = error
  return unavailable
}
