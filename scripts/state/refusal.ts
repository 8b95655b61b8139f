import type { Problem } from '@potok/contracts/problem'

/** Something the operator can mend: told in one line, without a stack. */
export class TransferFailed extends Error {}

/** The wire's form of a refusal, as far as there is one. */
export type Refusal = Partial<Problem> & { line?: number }

export function refusalOf(text: string): Refusal {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return { detail: text.slice(0, 200) }
  }
}

/** What the service said, in one line. @param where such as `states.ndjson:17` */
export function toldBy(status: number, { code, detail, title, errors = [] }: Refusal): string {
  const what = errors.map(({ path, message }) => `${path} ${message}`).join('; ')
  const why = what === '' ? (detail ?? title ?? 'it said no more') : what
  return `${why} (${status}${code === undefined ? '' : ` ${code}`})`
}
