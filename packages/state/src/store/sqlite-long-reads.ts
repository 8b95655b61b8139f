import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { createParser } from '@potok/core/validation'
import type { CompiledQuery } from 'kysely'
import { ReadTooLong } from './errors.ts'
import type { LongReads, LongReadsOptions } from './long-reads.ts'
import { createPlaces } from './places.ts'
import { ReadOutcome, type ReadTask } from './read-task.ts'

/** A worker that is asked in vain for so much longer is in a step of SQLite that looks at no row, such as a sort. */
const GRACE_MS = 500

/** From the sources (tests) the built worker is used: Node does not run TypeScript in a thread. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/store/read-worker.js' : './read-worker.js',
  import.meta.url,
)

const parseOutcome = createParser(ReadOutcome)

const isBindable = (value: unknown): value is string | number | null =>
  value === null || typeof value === 'string' || typeof value === 'number'

/** On SQLite, which keeps its thread until the last row: worker threads with connections of their own. */
export function createSqliteLongReads(
  file: string,
  { limitMs, places, waitingLimit }: LongReadsOptions,
): LongReads {
  const inPlace = createPlaces(places, waitingLimit)
  const idle: Worker[] = []
  const all = new Set<Worker>()

  function hire(): Worker {
    const worker = idle.pop() ?? new Worker(WORKER, { workerData: { file } })
    worker.unref()
    all.add(worker)
    return worker
  }

  /** @throws the error that ended the worker */
  async function ask(worker: Worker, task: ReadTask): Promise<ReadOutcome | undefined> {
    const late = AbortSignal.timeout(task.limitMs + GRACE_MS)
    const answer = once(worker, 'message', { signal: late })
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(task)
    try {
      const [message]: unknown[] = await answer
      idle.push(worker)
      return parseOutcome(message)
    } catch (error) {
      all.delete(worker)
      await worker.terminate()
      if (late.aborted) return undefined
      throw error
    }
  }

  return {
    run: <Row>({ sql, parameters }: CompiledQuery<Row>): Promise<Row[]> =>
      inPlace(async () => {
        const task = { sql, parameters: parameters.filter(isBindable), limitMs }
        const outcome = await ask(hire(), task)
        if (outcome === undefined || 'expired' in outcome) throw new ReadTooLong()
        if ('error' in outcome) throw new Error(`A long read failed: ${outcome.error}`)
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- rows have the type of the query, as Kysely's do
        return outcome.rows as Row[]
      }),
    async close() {
      await Promise.all([...all].map((worker) => worker.terminate()))
    },
  }
}
