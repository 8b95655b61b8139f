import type { DeliveryStatus } from '@potok/contracts/webhook'
import type { DatabaseLog } from '@potok/core/database'
import { createQueue, type Queue } from '@potok/core/queue'
import type { Store } from '../store/index.ts'
import { createBreaker } from './breaker.ts'
import { createDeliver } from './deliver.ts'
import { DeliveryJob, jobFor } from './delivery-job.ts'
import type { DeliveryLog } from './delivery-log.ts'
import type { EventBodies } from './event-bodies.ts'
import type { HealthRules } from './endpoint-health.ts'
import { HealthNotes, type Change } from './health-notes.ts'
import { listeners, operationalJob, type Announce } from './operational-events.ts'
import type { Registry } from './registry.ts'
import type { Sender } from './sender.ts'
import { createSettlement } from './settlement.ts'
import type { DeliveryDefaults } from './subscriber.ts'
import { createTake } from './take.ts'

/** How much is done at once, and how often. */
export interface Pace {
  /** Deliveries of this process under way at once. */
  concurrency: number
  pollMs: number
  /**
   * Outcomes that come within this are stored together while others are under way: under a backlog the commits are what
   * a delivery costs.
   */
  gatherMs: number
  /** Deliveries that go out of memory right after their commit, at most. */
  directLimit: number
  /** Subscriptions that one claim takes up deliveries for, and that it passes to find them. */
  lanesAClaim: number
  lanesSeen: number
}

export interface DispatcherDeps {
  database: Store
  registry: Registry
  sender: Sender
  log: DeliveryLog
  bodies: EventBodies
  logger: DatabaseLog
  defaults: DeliveryDefaults
  rules: HealthRules
  pace: Pace
  /** Failures in a row after which an endpoint gets one delivery at a time. */
  breakerFailures: number
  observe: (outcome: 'delivered' | 'failed', seconds: number) => void
  onSettled: (statuses: readonly DeliveryStatus[], changes: readonly Change[]) => void
  onClaim: (durationMs: number, jobs: number) => void
}

/** An event is older than its deliveries by no more than this: they come in one transaction. */
const BEFORE_ITS_DELIVERIES_MS = 3_600_000

/**
 * A lease outlives the longest attempt and what comes after it: 45 s for the 30 s of the default, so that the
 * deliveries of a killed process are taken up again within a minute.
 */
export const leaseMs = (timeoutMs: number): number => Math.ceil(timeoutMs * 1.25) + 7500

/** Brings events to those who subscribed: puts deliveries into the queue with the events, and makes them. */
export function createDispatcher(deps: DispatcherDeps) {
  const { database, registry, defaults, logger } = deps
  const breaker = createBreaker(deps.breakerFailures)
  const health = new HealthNotes(database, deps.rules)

  const announce: Announce = async (trx, announcements, timestampMs) => {
    if (announcements.length === 0) return
    // Attempts may take long: who listens now is what counts.
    const { byId } = await registry.current(trx)
    const jobs = announcements.flatMap(({ event, data, correlationId }) => {
      const payload = operationalJob(event, data, { timestampMs, correlationId })
      return listeners(byId.values(), event).map((to) => jobFor(to, payload))
    })
    if (jobs.length > 0) await queue.enqueue(trx, jobs)
  }

  const queue: Queue<DeliveryJob> = createQueue({
    database,
    name: 'webhook-deliveries',
    payload: DeliveryJob,
    work: createDeliver({ ...deps, breaker }),
    settled: createSettlement({
      ...deps,
      health,
      announce,
      async deactivate(trx, subscriptionId) {
        await queue.hold(trx, subscriptionId)
        await registry.touch(trx)
      },
    }),
    leaseMs: leaseMs(defaults.timeoutMs),
    ...deps.pace,
    onClaim: deps.onClaim,
    laneLimit(lane) {
      if (breaker.isOpen(lane)) return 1
      return registry.known.byId.get(lane)?.maxInFlight ?? defaults.maxInFlight
    },
    log: logger,
  })

  return {
    queue,
    breaker,
    /** Epoch ms by the store's clock from which on events may have deliveries that wait. */
    async oldest(): Promise<number | undefined> {
      const { pending, oldestMs } = await queue.totals()
      if (pending === 0) return undefined
      return Math.floor(registry.storeTime - oldestMs - BEFORE_ITS_DELIVERIES_MS)
    },
    take: createTake({ ...deps, queue }),
  }
}

export type Dispatcher = ReturnType<typeof createDispatcher>
