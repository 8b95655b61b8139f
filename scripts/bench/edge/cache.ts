import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'
import { run, type Load, type Sample } from '../requests/load.ts'
import { median, rounded } from '../statistics.ts'
import type { BenchOptions, SuiteResult } from '../suite.ts'
import type { Edge } from './subjects.ts'

const CONNECTIONS = 32
const KEPT = '/api/v1/analytics/workload'
const KEPT_WITHIN_MS = 20_000

/** Waits until the gateway hears of changes: before, it keeps nothing. */
async function untilKept({ gateway }: Edge, headers: Record<string, string>): Promise<void> {
  const deadline = performance.now() + KEPT_WITHIN_MS
  for (;;) {
    const answer = await request(gateway.url + KEPT, { headers })
    await answer.body.dump()
    const status = String(answer.headers['cache-status'])
    if (status.includes('hit')) return
    if (performance.now() > deadline) throw new Error(`Nothing is kept: ${status}`)
    await pause(50)
  }
}

/** An answer that is kept beside one that is looked for in memory and in Redis, fetched and kept. In turn. */
export async function compareCache(edge: Edge, options: BenchOptions): Promise<SuiteResult> {
  const { rounds, durationMs, progress } = options
  const headers = { authorization: `Bearer ${edge.token}` }
  const { url: origin, pid } = edge.gateway
  await untilKept(edge, headers)
  let asked = 0
  const load = (path: Load['path']): Load => ({
    origin,
    pid,
    headers,
    path,
    durationMs,
    method: 'GET',
    connections: CONNECTIONS,
  })
  const fresh = load(() => {
    asked += 1
    return `${KEPT}?n=${asked}`
  })
  const kept = load(() => KEPT)
  for (const one of [fresh, kept]) await run(one)
  const misses: Sample[] = []
  const hits: Sample[] = []
  for (let round = 1; round <= rounds; round += 1) {
    progress(`edge, kept answers, round ${round}/${rounds}`)
    misses.push(await run(fresh))
    hits.push(await run(kept))
  }
  if ([...misses, ...hits].some(({ refused }) => refused > 0)) throw new Error('Some were refused')
  const ratios = hits.map((hit, i) => hit.cpuMicros / (misses[i]?.cpuMicros ?? Number.NaN))
  const row = (samples: Sample[], ofMiss: number) => ({
    '/s': Math.round(median(samples.map((one) => one.perSecond))),
    'µs CPU': Math.round(median(samples.map((one) => one.cpuMicros))),
    'of a miss': rounded(ofMiss),
  })
  return {
    table: { 'cache miss': row(misses, 1), 'cache hit': row(hits, median(ratios)) },
    samples: { misses, hits },
  }
}
