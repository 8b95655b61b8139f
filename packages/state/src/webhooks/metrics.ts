import type { DeliveryStatus } from '@potok/contracts/webhook'
import { createGathered } from '@potok/core/metrics'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Backlog } from './backlog.ts'

export interface MetricsDeps {
  registry: Registry
  /** Over all subscriptions. */
  backlog: () => Promise<Backlog>
}

/** Counters of deliveries and attempts; the backlog is asked for at every scrape. */
export function createMetrics({ registry, backlog }: MetricsDeps) {
  const registers = [registry]
  const deliveries = new Counter({
    name: 'webhook_deliveries_total',
    help: 'Settled attempts by what became of the delivery: delivered, failed (will be tried again), dead',
    labelNames: ['outcome'] as const,
    registers,
  })
  const attempts = createGathered<[outcome: 'delivered' | 'failed']>(([outcome], seconds) => {
    for (const one of seconds) duration.observe({ outcome }, one)
  })
  const duration = new Histogram({
    name: 'webhook_delivery_duration_seconds',
    help: 'Duration of one attempt, connection and response included',
    labelNames: ['outcome'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
    collect: () => attempts.flush(),
  })
  const claims = new Histogram({
    name: 'webhook_claim_duration_seconds',
    help: 'How long it took to take deliveries up, those of one transaction together',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5],
    registers,
  })
  const claimed = new Counter({
    name: 'webhook_claimed_total',
    help: 'Deliveries that were rows of the queue and taken up for an attempt; those that go out of memory are not',
    registers,
  })
  const gauge: Gauge = new Gauge({
    name: 'webhook_backlog',
    help: 'Deliveries that wait, are held, are dead',
    labelNames: ['status'],
    registers,
    async collect(): Promise<void> {
      for (const [status, count] of Object.entries(await backlog())) gauge.set({ status }, count)
    },
  })
  for (const outcome of ['delivered', 'failed', 'dead']) deliveries.inc({ outcome }, 0)
  return {
    observe: (outcome: 'delivered' | 'failed', seconds: number): void =>
      attempts.add(seconds, outcome),
    claimed(durationMs: number, jobs: number): void {
      claims.observe(durationMs / 1000)
      claimed.inc(jobs)
    },
    settled(statuses: readonly DeliveryStatus[]): void {
      const counts = new Map<string, number>()
      for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1)
      for (const [status, count] of counts) {
        deliveries.inc({ outcome: status === 'pending' ? 'failed' : status }, count)
      }
    },
  }
}
