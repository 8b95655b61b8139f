import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import type { NewJob, Queue } from '@potok/core/queue'
import type { StoredEvent } from '../events/index.ts'
import { jobFor, payloadOf, type DeliveryJob } from './delivery-job.ts'
import type { DeliveryLog } from './delivery-log.ts'
import type { EventBodies } from './event-bodies.ts'
import { skipOutdated } from './latest.ts'
import { filterMatches, namesMatch } from './matching.ts'
import type { Registry } from './registry.ts'
import type { Subscriber } from './subscriber.ts'

export interface TakeDeps {
  database: AnyDatabase
  registry: Registry
  queue: Queue<DeliveryJob>
  log: DeliveryLog
  bodies: EventBodies
}

const wants = ({ events, filter }: Subscriber, event: StoredEvent): boolean =>
  namesMatch(events, event.event) && filterMatches(filter, event)

/** Puts a delivery into the queue for every subscription that an event matches, in the event's transaction. */
export function createTake({ database, registry, queue, log, bodies }: TakeDeps) {
  return async (trx: AnyTransaction, events: readonly StoredEvent[]): Promise<void> => {
    const { byId } = await registry.inTransaction(trx)
    if (byId.size === 0) return
    const subscribers = [...byId.values()]
    let jobs: NewJob<DeliveryJob>[] = []
    for (const event of events) {
      const wanting = subscribers.filter((one) => wants(one, event))
      if (wanting.length === 0) continue
      database.afterCommit(trx, () => bodies.remember(event))
      const payload = payloadOf(event)
      for (const subscriber of wanting) {
        const job = jobFor(subscriber, payload)
        if (subscriber.ordering === 'latest') {
          // What it makes pointless may stand before it in this very batch.
          if (jobs.length > 0) await queue.enqueue(trx, jobs)
          jobs = []
          await skipOutdated({ queue, log }, trx, job)
        }
        jobs.push(job)
      }
    }
    // An event was never seen before, so its deliveries were not either.
    if (jobs.length > 0) await queue.enqueue(trx, jobs, { direct: true })
  }
}
