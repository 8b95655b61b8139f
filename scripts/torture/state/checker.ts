import type { EventLogItem } from '@potok/contracts/event'
import type { HistoryEntry, Page, State } from '@potok/contracts/state'
import { call } from '../../system/api.ts'
import { KEY, type Acknowledged, type Writers } from './writers.ts'

async function get<T>(url: string): Promise<T> {
  const { status, body } = await call<T>(url, { headers: KEY })
  if (status !== 200) throw new Error(`GET ${url}: ${status} ${JSON.stringify(body)}`)
  return body
}

async function pages<T>(url: string): Promise<T[]> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const page: Page<T> = await get(`${url}${cursor === undefined ? '' : `&cursor=${cursor}`}`)
    items.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return items
}

/** The whole event log, oldest first. */
export async function eventLog(origin: string): Promise<EventLogItem[]> {
  const items: EventLogItem[] = []
  for (;;) {
    const after = items.at(-1)?.cursor
    const { items: page } = await get<{ items: EventLogItem[] }>(
      `${origin}/api/v1/events?limit=500${after === undefined ? '' : `&after=${after}`}`,
    )
    if (page.length === 0) return items
    items.push(...page)
  }
}

const eventKey = (id: string, version: number): string => `${id}@${version}`

/** Versions 1..n, each row going on where the one before it ended. */
function chain(entityId: string, history: readonly HistoryEntry[]): string[] {
  const faults: string[] = []
  let before: HistoryEntry | undefined
  for (const [index, entry] of history.entries()) {
    if (entry.version !== index + 1)
      faults.push(`${entityId}: version ${entry.version} at place ${index + 1}`)
    const expected = before?.newStatus ?? null
    if (entry.previousStatus !== expected) {
      faults.push(
        `${entityId}@${entry.version}: previousStatus ${entry.previousStatus}, before it ${expected}`,
      )
    }
    if (before !== undefined && entry.timestamp < before.timestamp) {
      faults.push(
        `${entityId}@${entry.version}: its time lies before that of the version before it`,
      )
    }
    before = entry
  }
  return faults
}

function acknowledgedIn(
  history: Map<string, HistoryEntry[]>,
  acknowledged: readonly Acknowledged[],
): string[] {
  return acknowledged.flatMap(({ entityId, version, status, metadata }) => {
    const entry = history.get(entityId)?.[version - 1]
    if (entry === undefined) return [`${entityId}@${version}: acknowledged and lost`]
    if (entry.newStatus !== status)
      return [`${entityId}@${version}: acknowledged ${status}, stored ${entry.newStatus}`]
    if (entry.metadata['n'] !== metadata['n']) {
      return [`${entityId}@${version}: other metadata than acknowledged`]
    }
    return []
  })
}

/** A deletion is answered without a version: there are at least as many in the history as were acknowledged. */
function deletedIn(history: Map<string, HistoryEntry[]>, deleted: readonly string[]): string[] {
  return [...new Set(deleted)].flatMap((entityId) => {
    const acknowledged = deleted.filter((one) => one === entityId).length
    const stored = (history.get(entityId) ?? []).filter(
      ({ newStatus }) => newStatus === null,
    ).length
    return stored < acknowledged
      ? [`${entityId}: ${acknowledged} deletions acknowledged, ${stored} in the history`]
      : []
  })
}

function oneEventEach(
  history: Map<string, HistoryEntry[]>,
  log: readonly EventLogItem[],
): string[] {
  const faults: string[] = []
  const seen = new Set<string>()
  const last = new Map<string, number>()
  for (const item of log) {
    if (item.event === 'custom.event') continue
    const { id, version } = item.data
    const key = eventKey(id, version)
    if (seen.has(key)) faults.push(`${key}: two events`)
    seen.add(key)
    if (version <= (last.get(id) ?? 0)) faults.push(`${key}: out of order in the log`)
    last.set(id, version)
  }
  for (const [id, entries] of history) {
    for (const { version } of entries) {
      if (!seen.delete(eventKey(id, version))) faults.push(`${eventKey(id, version)}: no event`)
    }
  }
  for (const key of seen) faults.push(`${key}: an event without history`)
  return faults
}

/** As-of answers agree with the history, by version and by time. Looks at a sample of every entity's versions. */
async function asOf(
  origin: string,
  entityId: string,
  history: readonly HistoryEntry[],
): Promise<string[]> {
  const faults: string[] = []
  const step = Math.max(1, Math.floor(history.length / 5))
  for (let index = 0; index < history.length; index += step) {
    const entry = history[index]
    if (entry === undefined || entry.newStatus === null) continue
    const url = `${origin}/api/v1/states/task/${entityId}`
    const byVersion = await get<State>(`${url}?version=${entry.version}`)
    if (byVersion.status !== entry.newStatus || byVersion.metadata['n'] !== entry.metadata['n']) {
      faults.push(`${entityId}?version=${entry.version}: not what the history says`)
    }
    const sameTime = history.findLast(({ timestamp }) => timestamp === entry.timestamp)
    if (sameTime?.newStatus === null) continue
    const byTime = await get<State>(`${url}?at=${entry.timestamp}`)
    if (byTime.version !== sameTime?.version)
      faults.push(`${entityId}?at=${entry.timestamp}: version ${byTime.version}`)
  }
  return faults
}

export interface Verdict {
  entities: number
  changes: number
  events: number
  faults: string[]
}

/** Holds everything that was acknowledged against what the service says now. */
export async function check(
  origin: string,
  { acknowledged, deleted }: Pick<Writers, 'acknowledged' | 'deleted'>,
  entityIds: readonly string[],
): Promise<Verdict> {
  const history = new Map<string, HistoryEntry[]>()
  for (const entityId of entityIds) {
    const { status } = await call(`${origin}/api/v1/states/task/${entityId}/history?limit=1`, {
      headers: KEY,
    })
    if (status === 404) continue
    history.set(
      entityId,
      await pages(`${origin}/api/v1/states/task/${entityId}/history?order=asc&limit=500`),
    )
  }
  const log = await eventLog(origin)
  const times: string[] = []
  for (const [entityId, entries] of history) times.push(...(await asOf(origin, entityId, entries)))
  return {
    entities: history.size,
    changes: [...history.values()].reduce((sum, entries) => sum + entries.length, 0),
    events: log.length,
    faults: [
      ...[...history].flatMap(([entityId, entries]) => chain(entityId, entries)),
      ...acknowledgedIn(history, acknowledged),
      ...deletedIn(history, deleted),
      ...oneEventEach(history, log),
      ...times,
    ],
  }
}
