import type { Static } from '@sinclair/typebox'
import { ValueRefused } from '@potok/core/validation'
import type { ReplayQuery } from './replay.ts'
import type { ReplayBody } from './schemas.ts'

/** After everything that the log can hold. */
const END_OF_TIME = '9999-12-31T23:59:59Z'

function refuse(member: 'from' | 'to', message: string): never {
  throw new ValueRefused([{ path: `/body/${member}`, message }])
}

/** The format lets leap seconds pass, which are no moment of any clock here. */
function momentOf(member: 'from' | 'to', text: string): number {
  const at = Date.parse(text)
  return Number.isNaN(at) ? refuse(member, 'must be a time such as 2025-11-10T10:00:00.000Z') : at
}

/** The span of time that a replay asks for. @throws ValueRefused (400) */
export function spanOf({ from, to = END_OF_TIME, status }: Static<typeof ReplayBody>): ReplayQuery {
  const span = { from: momentOf('from', from), to: momentOf('to', to), status }
  return span.from < span.to ? span : refuse('to', 'must be after from')
}
