/**
 * Holds what the bot asks, what the platform answers and what it pushes against the description of the Bot API. Nothing
 * is refused here: the platform is looser than its description. What does not fit is kept and said in the log.
 */
import type { ErrorObject, ValidateFunction } from 'ajv'
import type { Log } from '../log.ts'
import { Ring } from '../platform/bounds.ts'
import { callCheck, failureCheck, updateCheck } from './checks.ts'
import { OPERATIONS } from './operations.ts'

export interface Violation {
  readonly part: 'request' | 'answer' | 'update'
  /** `POST /messages`, or the type of an update. */
  readonly subject: string
  readonly errors: readonly string[]
}

export interface Asked {
  readonly query: Readonly<Record<string, unknown>>
  readonly body: unknown
}

/** Errors of one value that are told; the first say enough. */
const MAX_ERRORS = 5

export class Conformance {
  readonly #log: Log
  readonly #kept: Ring<Violation>
  #checked = 0

  constructor({ size, log }: { size: number; log: Log }) {
    this.#log = log
    this.#kept = new Ring(size)
  }

  /** How many values were looked at. */
  get checked(): number {
    return this.#checked
  }

  /** Oldest first, bounded. */
  violations(): readonly Violation[] {
    return this.#kept.list()
  }

  /** @param operation such as `GET /chats/:chatId` */
  request(operation: string, { query, body }: Asked): void {
    const byQuery = callCheck(operation, 'query')
    if (byQuery === undefined) {
      this.#keep({ part: 'request', subject: operation, errors: ['there is no such call'] })
      return
    }
    const byBody = callCheck(operation, 'body')
    const errors = [
      ...this.#errorsOf(byQuery, byMeaning(operation, query), 'query'),
      ...(byBody === undefined ? [] : this.#errorsOf(byBody, body, 'body')),
    ]
    if (errors.length > 0) this.#keep({ part: 'request', subject: operation, errors })
  }

  /** @param body as a client would parse it */
  answer(operation: string, status: number, body: unknown): void {
    const check = status === 200 ? callCheck(operation, 'answer') : failureCheck()
    if (check === undefined) return
    const errors = this.#errorsOf(check, body, String(status))
    if (errors.length > 0) this.#keep({ part: 'answer', subject: operation, errors })
  }

  /** @param update as a receiver would parse it */
  update(update: unknown, subject: string): void {
    const errors = this.#errorsOf(updateCheck(), update, '')
    if (errors.length > 0) this.#keep({ part: 'update', subject, errors })
  }

  clear(): void {
    this.#kept.clear()
    this.#checked = 0
  }

  #keep(violation: Violation): void {
    this.#kept.push(violation)
    this.#log.warn('this does not fit the description of the Bot API', { ...violation })
  }

  #errorsOf(check: ValidateFunction, value: unknown, where: string): string[] {
    this.#checked += 1
    if (check(value)) return []
    return (check.errors ?? []).slice(0, MAX_ERRORS).map((error) => `${where}${told(error)}`)
  }
}

const told = ({ instancePath, message, params }: ErrorObject): string =>
  `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`

/** Lists of a query are joined by commas. */
function byMeaning(operation: string, query: Asked['query']) {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => {
      const schema: unknown = OPERATIONS[operation]?.query[name]
      const isList = JSON.stringify(schema ?? {}).includes('"array"')
      return [name, isList && typeof value === 'string' ? value.split(',') : value]
    }),
  )
}
