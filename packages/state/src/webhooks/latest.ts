import type { AnyTransaction } from '@potok/core/database'
import type { NewJob, Queue } from '@potok/core/queue'
import { createParser } from '@potok/core/validation'
import { DeliveryJob } from './delivery-job.ts'
import { parseAttempts, type DeliveryLog } from './delivery-log.ts'

const parseJob = createParser(DeliveryJob)

/**
 * Takes out of the queue what waits for the same entity: the newest version makes it pointless. It stays in the log as
 * skipped. The entity's row is locked by whoever appends its event, so nothing newer can be among it.
 */
export async function skipOutdated(
  { queue, log }: { queue: Queue<DeliveryJob>; log: DeliveryLog },
  trx: AnyTransaction,
  { lane, key }: Pick<NewJob<DeliveryJob>, 'lane' | 'key'>,
): Promise<void> {
  if (key === undefined) return
  const waiting = await queue.list({ lane, key }, trx)
  if (waiting.length === 0) return
  const skipped = new Set(await queue.skip(trx, { lane, key }))
  const outdated = waiting.filter(({ id }) => skipped.has(id))
  const ids = outdated.map(({ id }) => id)
  const attempts = new Map((await log.find(ids, trx)).map((row) => [row.id, row.attempts]))
  await log.record(
    trx,
    outdated.map(({ id, payload, enqueuedAt: createdAt }) => ({
      id,
      subscriptionId: lane,
      job: parseJob(JSON.parse(payload)),
      status: 'skipped' as const,
      attempts: parseAttempts(JSON.parse(attempts.get(id) ?? '[]')),
      note: 'a newer version of its entity came before it was delivered',
      createdAt,
    })),
  )
}
