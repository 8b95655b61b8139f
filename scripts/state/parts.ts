import { countInto, isEndOf, kindOf, linesOf, noTotals, type Totals } from './lines.ts'
import { TransferFailed } from './refusal.ts'

/** A piece of an export that is one by itself: the export's first line, whole entities, and an end that counts them. */
export interface Part {
  body: Buffer
  totals: Totals
  /** Number of the line of the export that stands behind the first line of the part. */
  firstLine: number
  /** Of the export, up to here. */
  bytes: number
}

/** A part has about so many bytes; more where a single entity has. */
const PART_BYTES = 4_194_304

class Collected {
  readonly firstLine: number
  readonly totals = noTotals()
  readonly lines: Buffer[]
  bytes = 0

  constructor(header: Buffer, firstLine: number) {
    this.lines = [header]
    this.firstLine = firstLine
  }

  finish(bytes: number): Part {
    const end = Buffer.from(JSON.stringify({ type: 'end', ...this.totals }))
    const body = Buffer.concat([...this.lines, end].flatMap((line) => [line, Buffer.from('\n')]))
    return { body, totals: this.totals, firstLine: this.firstLine, bytes }
  }
}

/**
 * Cuts an export into parts, between entities: a request has its time, and none may become longer than that.
 * @throws TransferFailed it is none, or it was cut off: then the last part is missing
 */
export async function* partsOf(
  source: AsyncIterable<Buffer>,
  partBytes = PART_BYTES,
): AsyncGenerator<Part, void> {
  const totals = noTotals()
  let number = 0
  let bytes = 0
  let header: Buffer | undefined
  let part: Collected | undefined
  let last: Buffer | undefined
  for await (const line of linesOf(source)) {
    number += 1
    const kind = kindOf(line)
    if (header === undefined) {
      if (kind !== 'header')
        throw new TransferFailed('This is no export: its first line is none of one')
      header = line
    } else if (kind !== 'end') {
      if (part !== undefined && part.bytes >= partBytes && kind !== 'history') {
        yield part.finish(bytes)
        part = undefined
      }
      part ??= new Collected(header, number)
      part.lines.push(line)
      part.bytes += line.length
      countInto(part.totals, kind)
      countInto(totals, kind)
    }
    bytes += line.length + 1
    last = line
  }
  if (header === undefined) throw new TransferFailed('This is no export: it is empty')
  if (!isEndOf(last, totals)) {
    throw new TransferFailed(
      `The export is cut off after line ${number}: its end is missing, or does not count what is there. Of what came some is stored`,
    )
  }
  if (part !== undefined) yield part.finish(bytes)
}
