import type { Subscription } from '@potok/contracts/webhook'
import type { DeliveryLog } from './delivery-log.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Registry } from './registry.ts'

export type Backlog = Subscription['backlog']

const NONE: Backlog = { pending: 0, held: 0, dead: 0 }

/** How many deliveries of each subscription wait, are held, are dead. */
export async function backlogs(
  { dispatcher, log }: { dispatcher: Dispatcher; log: DeliveryLog },
  ids: readonly string[],
): Promise<(id: string) => Backlog> {
  const [lanes, dead] = await Promise.all([
    ids.length === 0 ? [] : dispatcher.queue.stats(ids),
    log.dead(),
  ])
  const waiting = new Map(
    lanes.map(({ lane, held, pending, running }) => [
      lane,
      // What runs comes to its end.
      held ? { pending: running, held: pending - running } : { pending, held: 0 },
    ]),
  )
  return (id) => ({ ...NONE, ...waiting.get(id), dead: dead.get(id) ?? 0 })
}

/** The same over all subscriptions. */
export async function totalBacklog(
  deps: { dispatcher: Dispatcher; log: DeliveryLog },
  registry: Registry,
): Promise<Backlog> {
  const ids = [...(await registry.fresh()).byId.keys()]
  const of = await backlogs(deps, ids)
  const sum = { ...NONE }
  for (const id of ids) {
    const { pending, held, dead } = of(id)
    sum.pending += pending
    sum.held += held
    sum.dead += dead
  }
  return sum
}
