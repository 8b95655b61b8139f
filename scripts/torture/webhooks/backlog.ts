import { setTimeout as pause } from 'node:timers/promises'
import type { Subscription } from '@potok/contracts/webhook'
import { call } from '../../system/api.ts'
import { KEY } from '../state/writers.ts'

const LOOK_MS = 200

interface Identified {
  id: string
}

/** A subscription as the service shows it. */
export const shown = async (origin: string, { id }: Identified): Promise<Subscription> =>
  (await call<Subscription>(`${origin}/api/v1/webhooks/subscriptions/${id}`, { headers: KEY })).body

/** How many deliveries wait, of all of them. */
export async function pending(
  origin: string,
  subscriptions: readonly Identified[],
): Promise<number> {
  let sum = 0
  for (const one of subscriptions) sum += (await shown(origin, one)).backlog.pending
  return sum
}

/** Waits until nothing waits. @param standstillMs so long nothing may come to its end while deliveries wait */
export async function drain(
  origin: string,
  subscriptions: readonly Identified[],
  standstillMs: number,
): Promise<void> {
  let least = Number.POSITIVE_INFINITY
  let since = Date.now()
  for (let left = await pending(origin, subscriptions); left > 0;) {
    if (left < least) [least, since] = [left, Date.now()]
    if (Date.now() - since > standstillMs) return
    await pause(LOOK_MS)
    left = await pending(origin, subscriptions)
  }
}
