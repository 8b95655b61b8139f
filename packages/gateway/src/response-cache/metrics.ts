import { Counter, Gauge, type Registry } from 'prom-client'

/** What became of requests that could have been answered from what is kept. */
export type Result = 'hit' | 'collapsed' | 'miss' | 'bypass'

export function cacheMetrics(registry: Registry, bytes: () => number) {
  const requests = new Counter({
    name: 'response_cache_requests_total',
    help: 'GETs of routes whose answers are kept: hit, collapsed (shared the answer to another), miss, bypass',
    labelNames: ['result'] as const,
    registers: [registry],
  })
  const size: Gauge = new Gauge({
    name: 'response_cache_bytes',
    help: 'Memory of the answers that are kept in this process, roughly',
    registers: [registry],
    collect(): void {
      size.set(bytes())
    },
  })
  return { count: (result: Result): void => requests.inc({ result }) }
}
