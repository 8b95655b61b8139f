import type { AnyTransaction, DatabaseLog } from '@potok/core/database'
import { createQueue, type Queue, type Settlement } from '@potok/core/queue'
import type { StoredEvent } from '../events/index.ts'
import type { Store } from '../store/index.ts'
import type { Client } from './client.ts'
import { createNewest, type Version } from './newest.ts'
import type { Outage } from './outage.ts'
import type { Parked, Place, Refusal } from './parked.ts'
import { createSend, type Sent } from './send.ts'
import { jobFor, LANE, SyncJob } from './sync-job.ts'

export interface SyncDeps {
  store: Store
  client: Pick<Client, 'request'>
  outage: Outage
  parked: Parked
  log: DatabaseLog
  /** DB_CONNECTION_TIMEOUT, milliseconds: the longest that one exchange takes. */
  timeoutMs: number
  /** Entities on their way at once. */
  concurrency: number
  pollMs: number
  count: (outcome: Sent['kind'] | 'later') => void
}

/** How long a job waits for the end of an outage before it lets another one wait; a part of its lease. */
const WAIT_MS = 10_000
/** A lease outlives waiting, the longest exchange and what comes after it. */
const LEASE_MARGIN_MS = WAIT_MS + 5000
/** It is never given up: a process that dies in the middle says nothing against the entity. */
const MAX_LEASES = 1_000_000
const SETTLED_AT_ONCE = 100

type Settled = Settlement<SyncJob, Sent>

function changedOf({ entity, entityId, version }: StoredEvent): SyncJob[] {
  return entity === undefined || entityId === undefined || version === undefined
    ? []
    : [{ entity, entityId }]
}

function refusalOf({ job, outcome }: Settled): Refusal[] {
  if (outcome.status === 'dead') {
    return [{ ...job.payload, version: 0, status: 0, detail: outcome.reason }]
  }
  const { result } = outcome
  if (outcome.status !== 'done' || result?.kind !== 'refused') return []
  const { version, status, detail } = result
  return [{ ...job.payload, version, status, detail }]
}

function sentOf({ job, outcome }: Settled): (Version & { kind: Sent['kind'] })[] {
  if (outcome.status !== 'done' || outcome.result === undefined) return []
  const { version, kind } = outcome.result
  return [{ ...job.payload, version, kind }]
}

/** Carries the newest version of every changed state to the external DB, for as long as it takes. */
export function createSync({ store, parked, ...deps }: SyncDeps) {
  const { log, concurrency } = deps
  const newest = createNewest(store)
  const queue: Queue<SyncJob> = createQueue({
    database: store,
    name: 'external-db',
    payload: SyncJob,
    work: createSend({ ...deps, newest, waitMs: WAIT_MS }),
    async settled(trx, settlements: readonly Settled[]) {
      const refusals = settlements.flatMap(refusalOf)
      for (const { detail, ...place } of refusals) {
        log.warn({ ...place, reason: detail }, 'the external DB refused a state, it is parked')
      }
      await parked.park(trx, refusals)
      const sent = settlements.flatMap(sentOf)
      const taken = sent.filter(({ kind }) => kind !== 'refused')
      await parked.release(trx, taken)
      // Whoever changed one of them meanwhile was told that its job is on its way already.
      await queue.enqueue(trx, (await newest.outgrown(trx, sent)).map(jobFor))
    },
    leaseMs: deps.timeoutMs + LEASE_MARGIN_MS,
    maxLeases: MAX_LEASES,
    concurrency,
    // A settlement waits for the writers of its entity: with several it could wait for one who waits for it.
    batch: store.dialect === 'postgres' ? 1 : SETTLED_AT_ONCE,
    pollMs: deps.pollMs,
    log,
  })

  /** Puts changes on their way, in the transaction that makes them. */
  async function changed(trx: AnyTransaction, entities: readonly SyncJob[]): Promise<void> {
    if (entities.length > 0) await queue.enqueue(trx, entities.map(jobFor))
  }

  return {
    queue,
    changed,
    take: (trx: AnyTransaction, events: readonly StoredEvent[]): Promise<void> =>
      changed(trx, events.flatMap(changedOf)),
    /** Sends parked entities again. @returns how many */
    async replay(of: Partial<Place>, limit: number): Promise<number> {
      const rows = await parked.list(limit, of)
      await store.write((trx) =>
        changed(
          trx,
          rows.map(({ entity, entity_id: entityId }) => ({ entity, entityId })),
        ),
      )
      return rows.length
    },
    async backlog(): Promise<{ pending: number; oldestMs: number }> {
      const lane = (await queue.stats()).find((one) => one.lane === LANE)
      return { pending: lane?.pending ?? 0, oldestMs: lane?.oldestMs ?? 0 }
    },
  }
}

export type Sync = ReturnType<typeof createSync>
