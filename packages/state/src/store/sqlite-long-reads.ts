import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { AnyDatabase } from '@potok/core/database'
import { createParser } from '@potok/core/validation'
import type { CompiledQuery } from 'kysely'
import { ReadTooLong } from './errors.ts'
import type { LongReads, LongReadsOptions } from './long-reads.ts'
import { createPlaces } from './places.ts'
import { ReadOutcome, type ReadRequest, type ReadTask } from './read-task.ts'

export interface SqliteLongReadsOptions extends LongReadsOptions {
  /**
   * A worker that is silent for so much longer is in a step of SQLite that looks at no row, such as a large sort. Its
   * reader is answered; the worker keeps its place until it is done, for a thread that is ended inside SQLite takes the
   * whole process with it. Milliseconds, default 500.
   */
  graceMs?: number
}

/**
 * From the sources (tests) the built worker is used: Node does not run TypeScript in a thread. For the same reason it
 * inherits no options of the process.
 */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/store/read-worker.js' : './read-worker.js',
  import.meta.url,
)

const parseOutcome = createParser(ReadOutcome)

function bindable(value: unknown): string | number | null {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value
  throw new TypeError(`A long read cannot bind a ${typeof value}`)
}

function send(worker: Worker, request: ReadRequest): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  worker.postMessage(request)
}

function rowsOf(outcome: ReadOutcome): unknown[] {
  if ('expired' in outcome) throw new ReadTooLong()
  if ('error' in outcome) throw new Error(`A long read failed: ${outcome.error}`)
  return outcome.rows
}

/** Threads with connections of their own, hired when they are first needed. */
function createWorkers(file: string) {
  const idle: Worker[] = []

  /** Its start does not count as time of the query. */
  async function hire(): Promise<Worker> {
    const free = idle.pop()
    if (free !== undefined) return free
    const worker = new Worker(WORKER, { workerData: { file }, execArgv: [] })
    worker.unref()
    await once(worker, 'message')
    return worker
  }

  return {
    hire,
    async ask(worker: Worker, task: ReadTask): Promise<ReadOutcome> {
      const answer = once(worker, 'message')
      send(worker, task)
      const [message]: unknown[] = await answer
      idle.push(worker)
      return parseOutcome(message)
    },
    async dismiss(): Promise<void> {
      for (const worker of idle.splice(0)) {
        const end = once(worker, 'exit')
        worker.ref()
        send(worker, 'close')
        await end
      }
    },
  }
}

/** On SQLite, which keeps its thread until the last row: worker threads. */
export function createSqliteLongReads(
  database: AnyDatabase,
  file: string,
  { limitMs, graceMs = 500, ...places }: SqliteLongReadsOptions,
): LongReads {
  const { kysely } = database.as<unknown>()
  const inPlace = createPlaces(places)
  const workers = createWorkers(file)
  const running = new Set<Promise<void>>()

  async function read(
    { sql, parameters }: CompiledQuery,
    done: { resolve: (rows: unknown[]) => void; reject: (error: unknown) => void },
  ): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    try {
      const rows = await inPlace(async () => {
        const worker = await workers.hire()
        timer = setTimeout(() => done.reject(new ReadTooLong()), limitMs + graceMs)
        const task = { sql, parameters: parameters.map(bindable), limitMs }
        return rowsOf(await workers.ask(worker, task))
      })
      done.resolve(rows)
    } catch (error) {
      done.reject(error)
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    run: <Row>(query: CompiledQuery<Row>): Promise<Row[]> =>
      new Promise((resolve, reject) => {
        const reading = read(query, {
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- rows have the type of the query, as Kysely's do
          resolve: (rows) => resolve(rows as Row[]),
          reject,
        })
        running.add(reading)
        void reading.finally(() => running.delete(reading))
      }),
    quick: async (query) => (await kysely.executeQuery(query)).rows,
    /** Waits for what runs, which is limited in time. */
    async close() {
      await Promise.all(running)
      await workers.dismiss()
    },
  }
}
