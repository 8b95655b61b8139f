import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { countTallies, noTallies, type Tallies } from './tallies.ts'
import { noTotals } from './lines.ts'
import { partsOf, type Part } from './parts.ts'
import type { Progress } from './progress.ts'
import { toldBy, TransferFailed, type Refusal } from './refusal.ts'
import type { Service } from './service.ts'

export interface ImportOptions {
  service: Pick<Service, 'import'>
  /** `-`: standard input. */
  file: string
  /** What to do with one that is there already and is not the same. */
  existing: string
  progress: Progress
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

const nameOf = (file: string): string => (file === '-' ? 'standard input' : file)

/** Line 1 of a part is that of the export, its others stand where they stand there. */
function lineIn({ firstLine }: Part, line: number | undefined): string {
  return line === undefined ? '' : `:${line === 1 ? 1 : firstLine + line - 2}`
}

function refused(file: string, part: Part, status: number, refusal: Refusal): TransferFailed {
  const where = `${nameOf(file)}${lineIn(part, refusal.line)}`
  return new TransferFailed(
    `${where}: ${toldBy(status, refusal)}. What came before it is stored; the same import goes on from there`,
  )
}

async function open(file: string): Promise<{ source: AsyncIterable<Buffer>; ofBytes?: number }> {
  if (file === '-') return { source: process.stdin }
  const { size } = await stat(file)
  return { source: createReadStream(file, { highWaterMark: 262_144 }), ofBytes: size }
}

/** Sends every part. @throws TransferFailed */
async function sendParts(options: ImportOptions, tallies: Tallies): Promise<void> {
  const { service, file, existing, progress } = options
  const { source, ...size } = await open(file)
  const totals = noTotals()
  for await (const part of partsOf(source)) {
    const query = new URLSearchParams({ existing, more: 'true' })
    const sent = await service.import(part.body, query)
    if ('refusal' in sent) throw refused(file, part, sent.status, sent.refusal)
    countTallies(tallies, sent.body)
    totals.states += part.totals.states
    totals.history += part.totals.history
    progress.show({ totals, bytes: part.bytes, ...size })
  }
}

/**
 * Brings an export in, part by part; at the end, however it comes, those who follow the event log are told to begin
 * anew. The same import again completes one that was broken off.
 * @throws TransferFailed
 */
export async function importStates(options: ImportOptions): Promise<Tallies> {
  const { service, existing } = options
  const tallies = noTallies()
  const tell = () => service.import(Buffer.alloc(0), new URLSearchParams({ existing }))
  try {
    await sendParts(options, tallies)
  } catch (error) {
    await tell().catch((untold: unknown) => {
      throw new TransferFailed(`${messageOf(error)}\n${messageOf(untold)}`, { cause: error })
    })
    throw error
  }
  await tell()
  return tallies
}
