import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from 'undici'
import { quantile, rounded } from '../statistics.ts'
import { ASSIGNEE } from './fill.ts'
import { ask, askWell } from './requests.ts'

export interface IsolationSample {
  /** Of the other requests, without and beside expensive ones. */
  quietP50Ms: number
  quietMaxMs: number
  besideP50Ms: number
  besideP99Ms: number
  besideMaxMs: number
  /** What the expensive ones make of the slowest. */
  addedMs: number
  expensive: number
  /** How long they took to be told so. */
  toldAfterMs: number
}

/** Sixty unindexed conditions that nothing fulfils: every state is looked at sixty times. */
const EXPENSIVE = {
  entity: 'task',
  where: {
    or: Array.from({ length: 60 }, (_, n) => ({ [`metadata.absent${n}`]: { startsWith: 'x' } })),
  },
}
const AT_ONCE = 2

/** What everybody else does meanwhile: reads of the store, pages and writes. */
const OTHERS = [
  (pool: Pool, n: number) =>
    askWell(pool, `states/task/t${1 + (n % 1000)}`, { headers: { 'cache-control': 'no-cache' } }),
  (pool: Pool) => askWell(pool, `states/task?metadata.assignee=${ASSIGNEE}&limit=50`),
  (pool: Pool, n: number) =>
    askWell(pool, 'states/process', { body: { entityId: `p${n % 100}`, metadata: { n } } }),
]

async function others(pool: Pool, running: () => boolean): Promise<number[]> {
  const times: number[] = []
  const one = async (kind: (typeof OTHERS)[number]): Promise<void> => {
    for (let n = 0; running(); n += 1) {
      times.push((await kind(pool, n)).ms)
      // Seldom enough that they do not wait for each other.
      await pause(10)
    }
  }
  await Promise.all(OTHERS.map(one))
  return times.toSorted((a, b) => a - b)
}

async function expensive(pool: Pool): Promise<number> {
  const { status, text, ms } = await ask(pool, 'states/query', { body: EXPENSIVE })
  if (status === 422 && text.includes('STATES_QUERY_TOO_EXPENSIVE')) return ms
  throw new Error(`An expensive query was answered with ${status} ${text.slice(0, 300)}`)
}

/** Expensive queries beside others. @param rounds of expensive ones, {@link AT_ONCE} at once */
export async function measureIsolation(pool: Pool, rounds: number): Promise<IsolationSample> {
  const until = Date.now() + 1000 * rounds
  const quiet = await others(pool, () => Date.now() < until)
  let isOver = false
  const told: number[] = []
  const beside = others(pool, () => !isOver)
  try {
    for (let round = 0; round < rounds; round += 1) {
      told.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => expensive(pool)))))
    }
  } finally {
    isOver = true
  }
  const times = await beside
  const of = (sorted: number[], q: number): number => rounded(quantile(sorted, q), 1)
  return {
    quietP50Ms: of(quiet, 0.5),
    quietMaxMs: of(quiet, 1),
    besideP50Ms: of(times, 0.5),
    besideP99Ms: of(times, 0.99),
    besideMaxMs: of(times, 1),
    addedMs: rounded(Math.max(0, quantile(times, 1) - quantile(quiet, 1)), 1),
    expensive: told.length,
    toldAfterMs: Math.round(Math.max(...told)),
  }
}
