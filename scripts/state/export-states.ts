import { createWriteStream } from 'node:fs'
import { rename } from 'node:fs/promises'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { countInto, isEndOf, kindOf, linesOf, noTotals, type Totals } from './lines.ts'
import type { Progress } from './progress.ts'
import { TransferFailed } from './refusal.ts'
import type { Service } from './service.ts'

export interface ExportOptions {
  service: Pick<Service, 'export'>
  /** Undefined: all. */
  entity: string | undefined
  /** `-`: standard output. */
  file: string
  progress: Progress
}

const NEWLINE = Buffer.from('\n')

/** Passes lines on and counts them. @throws TransferFailed the last one is missing */
async function* checked(
  source: AsyncIterable<Buffer>,
  totals: Totals,
  progress: Progress,
): AsyncGenerator<Buffer, void> {
  let bytes = 0
  let last: Buffer | undefined
  for await (const line of linesOf(source)) {
    countInto(totals, kindOf(line))
    bytes += line.length + 1
    last = line
    progress.show({ totals, bytes })
    yield Buffer.concat([line, NEWLINE])
  }
  if (!isEndOf(last, totals)) {
    throw new TransferFailed('The export was cut off: its last line is missing. Start it again')
  }
}

async function write(lines: AsyncIterable<Buffer>, to: Writable, end: boolean): Promise<void> {
  await pipeline(Readable.from(lines, { objectMode: false }), to, { end })
}

/**
 * Writes everything into a file, which has its name only once it is whole.
 * @throws TransferFailed
 */
export async function exportStates(options: ExportOptions): Promise<Totals> {
  const { service, entity, file, progress } = options
  const totals = noTotals()
  const lines = checked(await service.export(entity), totals, progress)
  if (file === '-') {
    await write(lines, process.stdout, false)
    return totals
  }
  const part = `${file}.part`
  await write(lines, createWriteStream(part, { flush: true }), true)
  await rename(part, file)
  return totals
}
