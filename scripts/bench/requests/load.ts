import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { Pool } from 'undici'
import { quantile } from '../statistics.ts'

export interface Load {
  origin: string
  method: 'GET' | 'POST'
  /** Path of the n-th request. */
  path: (n: number) => string
  headers: Record<string, string>
  /** Body of the n-th request. */
  body?: (n: number) => string
  connections: number
  durationMs: number
  /** Process whose CPU time is measured. */
  pid: number
}

export interface Sample {
  requests: number
  /** Answers outside of 2xx; a round with any is no measurement. */
  refused: number
  perSecond: number
  /** CPU of the measured process, user and system, microseconds a request. */
  cpuMicros: number
  p50Ms: number
  p99Ms: number
}

const TICKS_PER_SECOND = 100

/** User and system CPU time of a process in microseconds, from /proc. */
export function cpuMicrosOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  return (ticks * 1_000_000) / TICKS_PER_SECOND
}

/** One closed-loop round: each connection sends its next request when the last one was answered. */
export async function run(load: Load): Promise<Sample> {
  const pool = new Pool(load.origin, { connections: load.connections, pipelining: 1 })
  const latencies: number[] = []
  let refused = 0
  let next = 0
  const cpuBefore = cpuMicrosOf(load.pid)
  const startedAt = performance.now()
  const deadline = startedAt + load.durationMs
  const worker = async (): Promise<void> => {
    while (performance.now() < deadline) {
      const n = next
      next += 1
      const sentAt = performance.now()
      const answer = await pool.request({
        method: load.method,
        path: load.path(n),
        headers: load.headers,
        body: load.body?.(n) ?? null,
      })
      await answer.body.dump()
      if (answer.statusCode >= 300) refused += 1
      latencies.push(performance.now() - sentAt)
    }
  }
  await Promise.all(Array.from({ length: load.connections }, worker))
  const seconds = (performance.now() - startedAt) / 1000
  const cpu = cpuMicrosOf(load.pid) - cpuBefore
  await pool.close()
  latencies.sort((a, b) => a - b)
  return {
    requests: latencies.length,
    refused,
    perSecond: latencies.length / seconds,
    cpuMicros: cpu / Math.max(1, latencies.length),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  }
}
