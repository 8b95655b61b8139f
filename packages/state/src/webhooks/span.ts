import type { Static } from '@sinclair/typebox'
import { SpanRefused } from './errors.ts'
import type { ReplayQuery } from './replay.ts'
import type { ReplayBody } from './schemas.ts'

/** After everything that the log can hold. */
const END_OF_TIME = '9999-12-31T23:59:59Z'

/** The format lets leap seconds pass, which are no moment of any clock here. */
function momentOf(member: 'from' | 'to', text: string): number {
  const at = Date.parse(text)
  if (Number.isNaN(at)) throw new SpanRefused(`${member}: "${text}" is no moment`)
  return at
}

/** The span of time that a replay asks for. @throws SpanRefused */
export function spanOf({ from, to = END_OF_TIME, status }: Static<typeof ReplayBody>): ReplayQuery {
  const span = { from: momentOf('from', from), to: momentOf('to', to), status }
  if (span.from >= span.to) throw new SpanRefused(`to: ${to} is not after from (${from})`)
  return span
}
