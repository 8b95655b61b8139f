import { sql } from 'kysely'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { newEpoch, type LogView } from './stretches.ts'
import type { EventTables } from './tables.ts'

/** Events that get their position in one transaction at most. */
const BATCH = 1000

/** A view, with what tells it from the same log put back from a backup. */
export interface StoreView extends LogView {
  /** Of the newest stretch. */
  epoch: string
  /** Which physical table it was: another one after a restore (PostgreSQL; SQLite's file only changes under no process). */
  storage: number
  /** Committed events wait for a position. */
  unsequenced: boolean
}

/** The log is older than it was, or another one: somebody put a backup back under the running process. */
function isAnother(now: Pick<StoreView, 'head' | 'storage'>, known: StoreView): boolean {
  return now.storage !== known.storage || now.head < known.head
}

function statements(database: AnyDatabase) {
  const postgres = database.dialect === 'postgres'
  const storage = postgres ? sql`tableoid::bigint` : sql`0`
  return {
    look: database.statement<object>()(
      () => sql<Omit<StoreView, 'stretches' | 'unsequenced'> & { unsequenced: number }>`
        select head, purged, epoch, ${storage} as storage,
          (select count(*) from (select 1 from event_log where position is null limit 1) as waiting) as unsequenced
        from event_log_head where id = 1`,
    ),
    lock: database.statement<object>()(
      () => sql<{ head: number; storage: number }>`
        select head, ${storage} as storage from event_log_head where id = 1
        ${postgres ? sql`for update` : sql``}`,
    ),
    // Run after the lock as a statement of its own: it must see what the sequencer before it did.
    place: database.statement<object>()(
      () => sql<{ placed: number }>`
        with fresh as materialized (
          select seq, row_number() over (order by seq) as nth
          from event_log where position is null order by seq limit ${sql.lit(BATCH)}
        ), head as (
          update event_log_head set head = head + (select count(*) from fresh) where id = 1 returning head
        ), placed as (
          update event_log set position = (select head from head) - (select count(*) from fresh) + fresh.nth
          from fresh where event_log.seq = fresh.seq
        )
        select count(*) as placed from fresh`,
    ),
  }
}

/**
 * Gives committed events their positions, one transaction of the cluster at a time. Any replica may do it: the lock on
 * the head's row makes it a single sequencer, and goes with the connection of one that dies. Plain ids could not be
 * followed: a smaller one may become visible after a greater one, and be missed.
 */
export class Sequencer {
  readonly #database: AnyDatabase
  readonly #run: ReturnType<typeof statements>

  constructor(database: AnyDatabase) {
    this.#database = database
    this.#run = statements(database)
  }

  /** Begins a stretch: cursors of what was lost before, if anything was, will not be taken for positions given now. */
  begin(): Promise<void> {
    return this.#database.write(async (trx) => this.#beginAt(trx, (await this.#lock(trx)).head))
  }

  /**
   * Gives the whole log another name, in the caller's transaction: no cursor is good any more, so that whoever follows
   * begins anew.
   */
  async restart(trx: AnyTransaction): Promise<void> {
    await this.#lock(trx)
    const epoch = newEpoch()
    const tables = this.#database.as<EventTables>().transaction(trx)
    const { beginning } = await tables
      .selectFrom('event_epochs')
      .select(({ fn }) => fn.min('after_position').as('beginning'))
      .executeTakeFirstOrThrow()
    await tables.deleteFrom('event_epochs').execute()
    await tables.insertInto('event_epochs').values({ epoch, after_position: beginning }).execute()
    await tables.updateTable('event_log_head').set({ epoch }).where('id', '=', 1).execute()
  }

  /** Reads where the log stands. A store that was put back since `known` begins a new stretch first. */
  async view(known?: StoreView): Promise<StoreView> {
    const [row] = (await this.#run.look({})).rows
    if (row === undefined) throw new Error('The event log has lost its head')
    if (known !== undefined && isAnother(row, known)) {
      await this.begin()
      return this.view()
    }
    const unsequenced = row.unsequenced > 0
    if (known?.epoch === row.epoch) return { ...row, unsequenced, stretches: known.stretches }
    // Read after the head: whatever stretch a position up to it belongs to is there by now.
    const stretches = await this.#database
      .as<EventTables>()
      .kysely.selectFrom('event_epochs')
      .select(['epoch', 'after_position as after'])
      .orderBy('after_position')
      .execute()
    return { ...row, unsequenced, stretches }
  }

  /** Gives positions to all that is committed. Only PostgreSQL needs it: SQLite commits one after another. */
  async sequence(known: StoreView): Promise<void> {
    if (this.#database.dialect !== 'postgres') return
    let placed = BATCH
    while (placed === BATCH) {
      placed = await this.#database.write(async (trx) => {
        const head = await this.#lock(trx)
        if (isAnother(head, known)) await this.#beginAt(trx, head.head)
        const [row] = (await this.#run.place({}, trx)).rows
        return row?.placed ?? 0
      })
    }
  }

  async #lock(trx: AnyTransaction): Promise<{ head: number; storage: number }> {
    const [row] = (await this.#run.lock({}, trx)).rows
    if (row === undefined) throw new Error('The event log has lost its head')
    return row
  }

  async #beginAt(trx: AnyTransaction, head: number): Promise<void> {
    const epoch = newEpoch()
    const tables = this.#database.as<EventTables>().transaction(trx)
    // A stretch in which nothing happened never gave a cursor.
    await tables.deleteFrom('event_epochs').where('after_position', '=', head).execute()
    await tables.insertInto('event_epochs').values({ epoch, after_position: head }).execute()
    await tables.updateTable('event_log_head').set({ epoch }).where('id', '=', 1).execute()
  }
}
