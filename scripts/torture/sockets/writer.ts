import { setTimeout as pause } from 'node:timers/promises'
import type { EventLogItem } from '@potok/contracts/event'
import { call } from '../../system/api.ts'

const KEY = { 'x-api-key': 'gateway-service-key' }
/** Requests that may be open; more would only wait for a state service that is away. */
const OPEN_MOST = 100

/** Creates so many tasks a second; what is refused because the state service is away was no change. */
export function startWriting(state: string, perSecond: number) {
  const stopping = new AbortController()
  const open = new Set<Promise<unknown>>()
  const run = Date.now().toString(36)
  const writing = (async () => {
    for (let n = 0; !stopping.signal.aborted; n += 1) {
      if (open.size < OPEN_MOST) {
        const json = { entityId: `t_${run}_${n}`, status: 'created', metadata: { title: `№ ${n}` } }
        const request: Promise<unknown> = call(`${state}/api/v1/states/task`, {
          method: 'POST',
          headers: KEY,
          json,
        })
          .catch(() => undefined)
          .finally(() => open.delete(request))
        open.add(request)
      }
      await pause(1000 / perSecond)
    }
    await Promise.all(open)
  })()
  return async (): Promise<void> => {
    stopping.abort()
    await writing
  }
}

/** Cursors of every change of a task that the log holds, in its order. */
export async function readLog(state: string): Promise<string[]> {
  const cursors: string[] = []
  for (let after: string | undefined; ;) {
    const query = new URLSearchParams({ limit: '500', entity: 'task', ...(after && { after }) })
    const { body } = await call<{ items: EventLogItem[]; nextCursor: string }>(
      `${state}/api/v1/events?${query.toString()}`,
      { headers: KEY },
    )
    if (body.items.length === 0) return cursors
    cursors.push(...body.items.map(({ cursor }) => cursor))
    after = body.nextCursor
  }
}
