import { Pool } from 'undici'
import { startReplicas } from '../../torture/replicas.ts'
import type { Store } from '../../torture/torture.ts'
import type { BenchOptions, Suite, Table } from '../suite.ts'
import { fill } from './fill.ts'
import { measureIsolation } from './isolation.ts'
import { FILTERS, measurePages } from './pages.ts'
import { measureCommits, measurePostgres } from './writes.ts'

interface Part {
  table: Table
  samples: unknown
}

/** States in the store. */
const SIZES = { sqlite: 200_000, postgres: 1_000_000 } as const
const QUICK_PART = 0.2

async function large(store: Store, { quick, progress }: BenchOptions): Promise<Part> {
  const count = SIZES[store] * (quick ? QUICK_PART : 1)
  progress(`${store}: ${count} states are put in`)
  const replicas = await startReplicas(store, { LOG_LEVEL: 'info' }, 1)
  const pool = new Pool(replicas.processes[0].url, { connections: 16, headersTimeout: 60_000 })
  const table: Table = {}
  const samples: Record<string, unknown> = { states: count }
  try {
    await fill(replicas, count)
    for (const [name, filter] of Object.entries(FILTERS)) {
      progress(`${store}: pages ${name}`)
      const pages = await measurePages(pool, filter, quick ? 50 : 300)
      table[`pages ${name}, ${store}, ${count} states`] = { ...pages }
      samples[name] = pages
    }
    progress(`${store}: expensive queries beside others`)
    const isolation = await measureIsolation(pool, quick ? 1 : 5)
    table[`expensive queries beside others, ${store}`] = { ...isolation }
    return { table, samples: { ...samples, isolation } }
  } finally {
    await pool.close()
    await replicas.stop()
  }
}

async function commits(options: BenchOptions): Promise<Part> {
  options.progress('commits of SQLite')
  const samples = await measureCommits(options)
  return { samples, table: { 'commits a write, 32 clients, SQLite': samples } }
}

async function postgresWrites(options: BenchOptions): Promise<Part> {
  const samples = await measurePostgres(options)
  const { oursPerSecond, barePerSecond, rateRatio } = samples
  const row = { oursPerSecond, barePerSecond, rateRatio }
  return { samples, table: { 'writes, 32 clients, PostgreSQL beside bare pg': row } }
}

const PARTS: Record<string, (options: BenchOptions) => Promise<Part>> = {
  commits,
  'postgres writes': postgresWrites,
  'sqlite pages': (options) => large('sqlite', options),
  'postgres pages': (options) => large('postgres', options),
}

/** What the state service promises of large stores and of many writers. */
export const benchState: Suite = async (options) => {
  const { only } = options
  const table: Table = {}
  const samples: Record<string, unknown> = {}
  for (const [name, part] of Object.entries(PARTS)) {
    if (only !== undefined && !name.includes(only)) continue
    const result = await part(options)
    Object.assign(table, result.table)
    samples[name] = result.samples
  }
  return Object.keys(table).length === 0 ? undefined : { table, samples }
}
