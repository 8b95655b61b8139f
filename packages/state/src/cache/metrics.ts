import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { LevelName } from './redis-level.ts'
import type { Outcome } from './state-cache.ts'

const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25]
const OUTCOMES = ['local', 'global', 'miss', 'bypass'] as const

export type CacheMetrics = ReturnType<typeof cacheMetrics>

/** Metrics of the cache and of the Redis behind it. @param entries how many keys this process remembers */
export function cacheMetrics(registry: Registry, entries: () => number) {
  const registers = [registry]
  const requests = new Counter({
    name: 'cache_requests_total',
    help: 'Reads of one state or a kept list, by the level that answered; bypass: the caller wanted the store',
    labelNames: ['level'] as const,
    registers,
  })
  const errors = new Counter({
    name: 'cache_errors_total',
    help: 'Commands that brought nothing because the level could not be used',
    labelNames: ['level'] as const,
    registers,
  })
  const invalidations = new Counter({
    name: 'cache_invalidations_total',
    help: 'Patterns that were invalidated, here or by another replica',
    registers,
  })
  const operations = new Histogram({
    name: 'redis_operations_duration_seconds',
    help: 'Redis commands by operation',
    labelNames: ['operation', 'outcome', 'redis'] as const,
    buckets: BUCKETS,
    registers,
  })
  const size: Gauge = new Gauge({
    name: 'cache_entries',
    help: 'Keys that this process remembers',
    registers,
    collect: (): void => size.set(entries()),
  })
  // Looked up once: a hit counts, and a hit is cheap.
  const byOutcome = Object.fromEntries(
    OUTCOMES.map((level) => [level, requests.labels({ level })] as const),
  )
  for (const level of ['local', 'global']) errors.labels({ level }).inc(0)
  return {
    count: (outcome: Outcome): void => byOutcome[outcome]?.inc(),
    failed: (level: LevelName): void => errors.inc({ level }),
    invalidated: (): void => invalidations.inc(),
    observe:
      (redis: LevelName) =>
      (operation: string, seconds: number, outcome: string): void =>
        operations.observe({ operation, outcome, redis }, seconds),
  }
}
