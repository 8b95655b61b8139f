import { unstorableText } from '@potok/core/problem'
import { createParser, ValueRefused } from '@potok/core/validation'
import type { Static } from '@sinclair/typebox'
import type { BodyLine } from './body-lines.ts'
import { lineInvalid } from './errors.ts'
import { EndLine, HeaderLine, HistoryLine, MachineLine, StateLine } from './line-schemas.ts'

const parsers = {
  header: createParser(HeaderLine),
  machine: createParser(MachineLine),
  state: createParser(StateLine),
  history: createParser(HistoryLine),
  end: createParser(EndLine),
}

export type Line = Static<
  typeof HeaderLine | typeof MachineLine | typeof StateLine | typeof HistoryLine | typeof EndLine
>

/** A member that no request of ours may have either, however its name is escaped. */
const POISON =
  /"(?:_|\\u005[fF]){2}(?:p|\\u0070)(?:r|\\u0072)(?:o|\\u006[fF])(?:t|\\u0074)(?:o|\\u006[fF])(?:_|\\u005[fF]){2}"\s*:/u

const isType = (type: unknown): type is keyof typeof parsers =>
  typeof type === 'string' && Object.hasOwn(parsers, type)

function jsonOf({ number, text }: BodyLine): object {
  if (POISON.test(text)) throw lineInvalid(number, [{ path: '/', message: 'has a __proto__' }])
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw lineInvalid(number, [{ path: '/', message: 'is not JSON' }])
  }
  if (typeof value === 'object' && value !== null) return value
  throw lineInvalid(number, [{ path: '/', message: 'must be an object' }])
}

/** Reads one line of an export. @throws 422 with what is wrong in it */
export function readLine(line: BodyLine): Line {
  const value = jsonOf(line)
  const type = 'type' in value ? value.type : undefined
  if (!isType(type)) {
    const message = `must be one of: ${Object.keys(parsers).join(', ')}`
    throw lineInvalid(line.number, [{ path: '/type', message }])
  }
  const path = unstorableText(line.text, value)
  if (path !== undefined) {
    const message = 'has a NUL or a lone surrogate, which no store of ours can keep'
    throw lineInvalid(line.number, [{ path, message }])
  }
  try {
    return parsers[type](value)
  } catch (error) {
    if (error instanceof ValueRefused) throw lineInvalid(line.number, error.errors)
    throw error
  }
}
