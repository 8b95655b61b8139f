import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startPrivateSystem, type PrivateSystem } from '../scripts/system/private-system.ts'
import { createAssignee, notifierSubscription, outage } from '../scripts/torture/notifier/outage.ts'

let system: PrivateSystem

beforeEach(async () => {
  // What five minutes do to a subscription takes seconds: every failure counts, and few of them deactivate.
  system = await startPrivateSystem({
    env: { WEBHOOK_MAX_FAILURES: '3', WEBHOOK_FAILURE_SPACING_MS: '0' },
  })
}, 120_000)
afterEach(() => system?.stop())

test('a gateway that was away until its subscription was given up tells everything, once, when it is back', async () => {
  const boris = await createAssignee(system, 'Борис')
  const isGivenUp = (): Promise<void> =>
    vi.waitFor(
      async () => {
        const { active, backlog } = await notifierSubscription(system)
        expect(active).toBe(false)
        expect(backlog.held).toBeGreaterThanOrEqual(8)
      },
      { timeout: 60_000, interval: 100 },
    )

  const faults = await outage(system, boris, {
    name: 'Outage',
    lastsMs: 0,
    tasks: 8,
    until: isGivenUp,
  })

  expect(faults).toEqual([])
  expect(await notifierSubscription(system)).toMatchObject({ active: true })
}, 300_000)
