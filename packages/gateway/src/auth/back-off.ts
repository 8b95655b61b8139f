import { createHash } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import type { Database } from '@potok/core/database'
import type { AuthTables } from './tables.ts'

export interface Curve {
  /** Failures without a wait. */
  free: number
  /** The wait after the first failure that is not free; it doubles with each further one. */
  baseMs: number
  maxMs: number
}

export interface BackOffOptions {
  database: Database<AuthTables>
  name: Curve
  ip: Curve
  /** Failures of a name after which even networks without a failure of their own have to wait. */
  floodThreshold: number
  /** Failures are forgotten after so long without another one. */
  memoryMs: number
}

/** Who tries: the name as typed, and the network of the client. */
export interface Attempt {
  username: string
  place: string
  /** Somebody has logged in as this name from there before. */
  isKnownPlace: boolean
}

type Trx = Transaction<AuthTables>

/** Wait after the failure number `failures`, milliseconds. */
function waitAfter(failures: number, { free, baseMs, maxMs }: Curve): number {
  if (failures < free) return 0
  return Math.min(maxMs, baseMs * 2 ** Math.min(failures - free, 30))
}

const keyOf = (...parts: string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url')

/** The counter under which the name's failures from this place stand. */
function nameKey({ username, place, isKnownPlace }: Attempt): string {
  const name = username.toLowerCase()
  return isKnownPlace ? keyOf('place', name, place) : keyOf('name', name)
}

const ipKey = ({ place }: Attempt): string => keyOf('ip', place)

export type BackOff = ReturnType<typeof createBackOff>

/**
 * Slows guessing of passwords. An attempt is counted as failed before it is made, so that many at once are no way
 * around, and taken back when it was not. Whether a name exists makes no difference.
 *
 * A name's owner is never locked out by others' failures: a network where they logged in before is counted by itself,
 * and one without a failure of its own waits only during a flood.
 */
export function createBackOff(options: BackOffOptions) {
  const { database, memoryMs } = options
  return {
    /** Counts an attempt. @returns 0 when it may be made, else how long to wait, milliseconds; then it is not counted */
    begin: (attempt: Attempt): Promise<number> =>
      database.write((trx) => begin(trx, options, attempt)),

    /** The attempt succeeded: the name starts anew. The network does not, or one own account would open it for guessing. */
    succeed: (attempt: Attempt): Promise<void> =>
      database.write(async (trx) => {
        await trx.deleteFrom('auth_attempts').where('key', '=', nameKey(attempt)).execute()
        await takeBack(trx, ipKey(attempt))
      }),

    /** The attempt could not be judged: it was nobody's failure. */
    cancel: (attempt: Attempt): Promise<void> =>
      database.write(async (trx) => {
        await takeBack(trx, nameKey(attempt))
        await takeBack(trx, ipKey(attempt))
      }),

    /** Deletes what is forgotten anyway. */
    purge: (): Promise<void> =>
      database.write(async (trx) => {
        await trx
          .deleteFrom('auth_attempts')
          .where('last_at', '<', sql<number>`${database.now()} - ${memoryMs}`)
          .execute()
      }),
  }
}

async function begin(trx: Trx, options: BackOffOptions, attempt: Attempt): Promise<number> {
  // Always in this order, or two attempts could wait for each other.
  const byName = await take(trx, options, nameKey(attempt))
  const byIp = await take(trx, options, ipKey(attempt))
  const isClean = byIp.failures === 0 && !attempt.isKnownPlace
  const nameWait =
    isClean && byName.failures < options.floodThreshold
      ? 0
      : waitAfter(byName.failures, options.name) - byName.age
  const wait = Math.max(nameWait, waitAfter(byIp.failures, options.ip) - byIp.age, 0)
  if (wait > 0) return wait
  await store(trx, options, nameKey(attempt), byName.failures + 1)
  await store(trx, options, ipKey(attempt), byIp.failures + 1)
  return 0
}

/**
 * The failures that count, and how long ago the last one was. Nobody else reads them until the transaction ends: of many
 * at once each would find the count as it was before all of them.
 */
async function take(trx: Trx, { database, memoryMs }: BackOffOptions, key: string) {
  const row = await trx
    .insertInto('auth_attempts')
    .values({ key, failures: 0, last_at: database.now() })
    // Changes nothing, and locks the row; a `select … for update` finds none to lock at the first attempt.
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ key }))
    .returning(['failures', sql<number>`${database.now()} - last_at`.as('age')])
    .executeTakeFirstOrThrow()
  return row.age > memoryMs ? { failures: 0, age: 0 } : row
}

async function store(trx: Trx, { database }: BackOffOptions, key: string, failures: number) {
  await trx
    .updateTable('auth_attempts')
    .set({ failures, last_at: database.now() })
    .where('key', '=', key)
    .execute()
}

async function takeBack(trx: Trx, key: string): Promise<void> {
  await trx
    .updateTable('auth_attempts')
    .set({ failures: sql<number>`case when failures > 0 then failures - 1 else 0 end` })
    .where('key', '=', key)
    .execute()
}
