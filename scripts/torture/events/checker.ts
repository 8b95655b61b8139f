import type { EventLogItem } from '@potok/contracts/event'
import type { Message } from './follower.ts'

/** Did a follower get exactly the log, in its order? */
export function sameAs(log: readonly EventLogItem[], messages: readonly Message[]): string[] {
  const faults: string[] = []
  const seen = new Set<string>()
  for (const { id, event } of messages) {
    if (event === 'reset') faults.push(`reset at ${id}`)
    else if (seen.has(id)) faults.push(`${id} came twice`)
    seen.add(id)
  }
  for (const { cursor } of log) if (!seen.has(cursor)) faults.push(`${cursor} was missed`)
  const wanted = new Map(log.map((item) => [item.cursor, item]))
  let place = -1
  for (const { id, data } of messages) {
    const item = wanted.get(id)
    if (item === undefined) {
      faults.push(`${id} is not in the log`)
      continue
    }
    const at = Number(id.split('.')[1])
    if (at < place) faults.push(`${id} came after ${place}`)
    place = at
    const told: unknown = JSON.parse(data)
    if (JSON.stringify(told) !== JSON.stringify(item)) faults.push(`${id} was told in other words`)
  }
  return faults
}
