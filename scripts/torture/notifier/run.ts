import { startPrivateSystem } from '../../system/private-system.ts'
import type { TortureOptions, TortureResult } from '../torture.ts'
import { createAssignee, notifierSubscription, outage } from './outage.ts'

const MINUTES = 5
const TASKS = 20

/** The gateway is away for five minutes while tasks are assigned: nobody may miss a notification. On the defaults. */
export async function tortureNotifier({ rounds, report }: TortureOptions): Promise<TortureResult> {
  const system = await startPrivateSystem()
  const faults: string[] = []
  try {
    const boris = await createAssignee(system, 'Борис')
    for (let round = 1; round <= rounds; round += 1) {
      const options = { name: `Outage-${round}`, lastsMs: MINUTES * 60_000, tasks: TASKS }
      const found = await outage(system, boris, options)
      faults.push(...found)
      const { active, backlog } = await notifierSubscription(system)
      report(
        `round ${round}/${rounds}: ${TASKS} assignments in ${MINUTES} minutes, ${found.length} violations; ` +
          `active ${active}, ${JSON.stringify(backlog)}`,
      )
    }
  } finally {
    await system.stop()
  }
  return { checked: `${rounds * TASKS} assignments while the gateway was away`, faults }
}
