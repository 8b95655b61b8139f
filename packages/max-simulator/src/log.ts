/** A log of single lines for a person at a terminal: time, level, message, fields as JSON. */

type Level = 'info' | 'warn' | 'error'

export type Log = Readonly<
  Record<Level, (message: string, fields?: Readonly<Record<string, unknown>>) => void>
>

/** Says nothing; what tests get unless they ask. */
export const silentLog: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** JSON keeps every field on one line, so that no text of a message can forge a second one. */
export function createLog(write: (line: string) => void): Log {
  const at =
    (level: Level) =>
    (message: string, fields?: Readonly<Record<string, unknown>>): void => {
      const tail = fields === undefined ? '' : ` ${JSON.stringify(fields)}`
      write(`${new Date().toISOString()} ${level.padEnd(5)} max-simulator: ${message}${tail}\n`)
    }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}
