import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { Type } from '@sinclair/typebox'
import { openDatabase } from '@potok/core/database'
import { createQueue, queueMigrations } from '@potok/core/queue'
import { median } from '../statistics.ts'

const LOG = { debug() {}, info() {}, warn: console.warn, error: console.error }
const SHAPES: Record<string, (n: number) => { lane: string; key?: string }> = {
  'ten lanes': (n) => ({ lane: `lane ${n % 10}` }),
  'one key': () => ({ lane: 'lane', key: 'k' }),
  'a lane each': (n) => ({ lane: `lane ${n}` }),
}
const BATCH = 1000

export interface BacklogResult {
  shape: string
  jobs: number
  /** Median milliseconds between two jobs taken up one after the other, that is a claim and a settlement. */
  perJobMs: number
}

/** How long a queue with one place takes from job to job with so many others waiting. */
async function perJob(
  jobs: number,
  shape: (n: number) => object,
  samples: number,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'potok-backlog-'))
  const file = join(folder, 'queue.sqlite')
  const database = await openDatabase({
    file,
    schema: 'bench',
    migrations: queueMigrations,
    log: LOG,
  })
  const starts: number[] = []
  let finish: () => void = () => undefined
  const enough = new Promise<void>((done) => (finish = done))
  const queue = createQueue({
    database,
    name: 'bench',
    payload: Type.Object({}),
    concurrency: 1,
    batch: 1,
    log: LOG,
    work: async () => {
      starts.push(performance.now())
      if (starts.length > samples) finish()
      return { status: 'done' as const }
    },
  })
  for (let n = 0; n < jobs; n += BATCH) {
    await database.write((trx) =>
      queue.enqueue(
        trx,
        Array.from({ length: Math.min(BATCH, jobs) }, (_, i) => ({
          id: `j${n + i}`,
          lane: 'lane',
          payload: {},
          ...shape(n + i),
        })),
      ),
    )
  }
  queue.start()
  await enough
  await queue.close()
  await database.close()
  await rm(folder, { recursive: true, force: true })
  return median(starts.slice(1).map((at, i) => at - (starts[i] ?? at)))
}

/** The claim must cost the same whatever waits behind it. */
export async function backlog(samples: number): Promise<BacklogResult[]> {
  const results: BacklogResult[] = []
  for (const [shape, of] of Object.entries(SHAPES)) {
    for (const jobs of [200, 50_000]) {
      results.push({ shape, jobs, perJobMs: await perJob(jobs, of, samples) })
    }
  }
  return results
}
