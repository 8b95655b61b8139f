import type { Outcome } from '../queue-options.ts'
import type { Settlements } from '../settler.ts'
import type { createBundles } from './bundles.ts'
import type { DirectJob } from './direct-jobs.ts'
import type { createUnbundle } from './unbundle.ts'

const commonOf = ({ id, lane, payload, createdAt: created_at }: DirectJob<unknown>) => ({
  id,
  lane,
  payload: JSON.stringify(payload),
  created_at,
})

interface Ended {
  row: DirectJob<unknown>
  outcome: Outcome
}

const retriesOf = (ended: readonly Ended[]) =>
  ended.flatMap(({ row, outcome }) => {
    if (outcome.status !== 'retry') return []
    const delay = Math.max(0, Math.round(outcome.delayMs))
    return [{ ...commonOf(row), attempt: row.attempt + 1, leases: 0, delay }]
  })

const deadOf = (ended: readonly Ended[]) =>
  ended.flatMap(({ row, outcome }) =>
    outcome.status === 'dead'
      ? [{ ...commonOf(row), attempt: row.attempt, reason: outcome.reason }]
      : [],
  )

/** Ends jobs of bundles: what is to be tried again becomes a row. Whoever is in no bundle any more changes nothing. */
export function createDirectSettlements<Payload>(
  bundles: ReturnType<typeof createBundles>,
  unbundle: ReturnType<typeof createUnbundle>,
): Settlements<DirectJob<Payload>> {
  return {
    async settle(trx, all) {
      const jobs = all.map(({ row }) => row)
      const isOurs = await bundles.take(trx, jobs)
      const settled = all.filter(({ row }) => isOurs(row))
      await unbundle.insert(trx, retriesOf(settled))
      await unbundle.bury(trx, deadOf(settled))
      return { settled, busy: [] }
    },
    async postpone(trx, row, delayMs) {
      const isOurs = await bundles.take(trx, [row])
      const { attempt, leases } = row
      const later = { ...commonOf(row), attempt, leases, delay: Math.round(delayMs) }
      if (isOurs(row)) await unbundle.insert(trx, [later])
    },
  }
}
