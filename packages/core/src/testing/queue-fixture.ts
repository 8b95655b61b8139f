/** A queue for tests: jobs that end when the test says so, no polling. */
import { Type, type Static } from '@sinclair/typebox'
import { onTestFinished } from 'vitest'
import { openDatabase, type Database, type Migration } from '../database/index.ts'
import {
  createQueue,
  queueMigrations,
  type Job,
  type NewJob,
  type Outcome,
  type QueueOptions,
} from '../queue/index.ts'
import { quietLog, type TestStore } from './databases.ts'

export const HOUR_MS = 3_600_000
export const Payload = Type.Object({ n: Type.Integer() })
export type Payload = Static<typeof Payload>

export interface Tables {
  log: { entry: string }
}
export type TestQueueOptions = Partial<QueueOptions<Tables, typeof Payload, string>>

export const migrations: Record<string, Migration> = {
  ...queueMigrations,
  '2026-01-02-log': {
    up: (db) => db.schema.createTable('log').addColumn('entry', 'text').execute(),
  },
}

/** Workers whose jobs end when the test says so. */
export function createHands() {
  const started: Job<Payload>[] = []
  const ends = new Map<string, (outcome: Outcome<string>) => void>()
  const firstEnds = new Map<string, (outcome: Outcome<string>) => void>()
  return {
    started,
    ids: () => started.map(({ id }) => id),
    work: (job: Job<Payload>) =>
      new Promise<Outcome<string>>((resolve) => {
        started.push(job)
        ends.set(job.id, resolve)
        if (!firstEnds.has(job.id)) firstEnds.set(job.id, resolve)
      }),
    end(id: string, outcome: Outcome<string> = { status: 'done' }) {
      ends.get(id)?.(outcome)
    },
    /** The worker that had it first, when others had it since. */
    endFirst(id: string, outcome: Outcome<string> = { status: 'done' }) {
      firstEnds.get(id)?.(outcome)
    },
  }
}

/** Polling is off unless a test asks for it: what runs was woken. */
export function createTestQueue(database: Database<Tables>, options: TestQueueOptions = {}) {
  const queue = createQueue({
    database,
    name: 'test',
    payload: Payload,
    work: async () => ({ status: 'done' }),
    log: quietLog,
    pollMs: 60_000,
    // Longer than the clock is shifted: a lease ends only where a test is about it.
    leaseMs: 100 * HOUR_MS,
    closeMs: 0,
    ...options,
  })
  onTestFinished(() => queue.close())
  return queue
}

export type TestQueue = ReturnType<typeof createTestQueue>

/** Two replicas: on PostgreSQL a connection pool each, on SQLite the one process that there can be. */
export async function openTwo(store: TestStore): Promise<[Database<Tables>, Database<Tables>]> {
  const place = await store.place()
  const open = async (): Promise<Database<Tables>> => {
    const database = await openDatabase<Tables>({ ...place, migrations, log: quietLog })
    onTestFinished(() => database.close())
    return database
  }
  const one = await open()
  return [one, store.dialect === 'sqlite' ? one : await open()]
}

export const job = (id: string, more: Partial<NewJob<Payload>> = {}): NewJob<Payload> => ({
  id,
  lane: 'lane',
  payload: { n: 1 },
  ...more,
})

export const put = (database: Database<Tables>, queue: TestQueue, ...jobs: NewJob<Payload>[]) =>
  database.write((trx) => queue.enqueue(trx, jobs))
