import { isUtf8 } from 'node:buffer'
import { lineInvalid, LineTooLong } from './errors.ts'

export interface BodyLine {
  /** From 1. */
  number: number
  text: string
}

const NEWLINE = 0x0a

/** Splits a body into its lines, without blank ones. @throws 413 too long, 422 not UTF-8 */
export async function* bodyLines(
  body: AsyncIterable<Buffer>,
  limitBytes: number,
): AsyncGenerator<BodyLine, void> {
  let number = 0
  let rest: Buffer[] = []
  let restBytes = 0

  function take(line: Buffer): BodyLine[] {
    number += 1
    if (!isUtf8(line)) throw lineInvalid(number, [{ path: '/', message: 'is not valid UTF-8' }])
    const text = line.toString('utf8').trim()
    return text === '' ? [] : [{ number, text }]
  }

  for await (const chunk of body) {
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
      yield* take(Buffer.concat([...rest, chunk.subarray(from, to)]))
      rest = []
      restBytes = 0
      from = to + 1
    }
    rest.push(chunk.subarray(from))
    restBytes += chunk.length - from
    if (restBytes > limitBytes) throw new LineTooLong(number + 1, limitBytes)
  }
  if (restBytes > 0) yield* take(Buffer.concat(rest))
}
