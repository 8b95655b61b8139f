import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'undici'
import { quantile } from '../statistics.ts'

export interface OpenLoad {
  origin: string
  path: string
  headers: Record<string, string>
  /** Requests a second, whether or not the last one was answered. */
  perSecond: number
  durationMs: number
}

export interface OpenSample {
  requests: number
  p50Ms: number
  p99Ms: number
  /** Answers by status; `0` counts those without one. */
  statuses: Record<number, number>
}

/** Requests at fixed times. Latency counts from when a request was due, so that a stall is not left out. */
export async function openLoop(load: OpenLoad): Promise<OpenSample> {
  const pool = new Pool(load.origin, { connections: 256, pipelining: 1 })
  const latencies: number[] = []
  const statuses: Record<number, number> = {}
  const running = new Set<Promise<void>>()
  const startedAt = performance.now()
  const total = Math.floor((load.durationMs / 1000) * load.perSecond)

  async function ask(dueAt: number): Promise<void> {
    let status = 0
    try {
      const answer = await pool.request({ method: 'GET', path: load.path, headers: load.headers })
      status = answer.statusCode
      await answer.body.dump()
    } catch {
      // Counted as status 0: whoever asked for this load decides what that means.
    }
    latencies.push(performance.now() - dueAt)
    statuses[status] = (statuses[status] ?? 0) + 1
  }

  for (let n = 0; n < total;) {
    const due = Math.min(total, ((performance.now() - startedAt) / 1000) * load.perSecond)
    for (; n < due; n += 1) {
      const one: Promise<void> = ask(startedAt + (n * 1000) / load.perSecond).finally(() =>
        running.delete(one),
      )
      running.add(one)
    }
    await pause(1)
  }
  await Promise.all(running)
  await pool.close()
  latencies.sort((a, b) => a - b)
  return {
    requests: latencies.length,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    statuses,
  }
}
