import type { AnyDatabase, AnyTransaction, DatabaseLog } from '@potok/core/database'
import type { NewEvent } from '../events/index.ts'
import type { Catalog } from '../machines/index.ts'
import { eventOf, keyOf, type Change } from './changes.ts'
import type { Order, Outcome } from './command.ts'
import { createDeciding, type Decided, type Refused } from './deciding.ts'
import { createSaving } from './saving.ts'
import type { StateRow } from './state-row.ts'
import { slicesOf } from './slices.ts'
import { createStatements } from './statements.ts'

export interface WriterDeps {
  store: AnyDatabase
  machines: Pick<Catalog, 'known' | 'rulesFor'>
  events: { append: (trx: AnyTransaction, events: readonly NewEvent[]) => Promise<unknown> }
  log: Pick<DatabaseLog, 'info'>
  metadataLimitBytes: number
  /** Called after the commit. @param touched rows of which only the expiry moved */
  written?: (rows: readonly StateRow[], touched: readonly StateRow[]) => void
}

const MESSAGES = {
  'entity.created': 'State created successfully',
  'entity.updated': 'State updated successfully',
  'entity.deleted': 'State deleted successfully',
}

/** The last change of each entity. */
function lastOf(changes: readonly Change[]): Change[] {
  return [...new Map(changes.map((change) => [keyOf(change.changed.row), change])).values()]
}

export type Writer = ReturnType<typeof createWriter>

/** Reads, decides and stores: state, history, events and indexed elements in the caller's transaction. */
export function createWriter(deps: WriterDeps) {
  const { store, machines, events, log, metadataLimitBytes, written } = deps
  const say = createStatements(store)
  const decideAll = createDeciding({ store, say, machines, metadataLimitBytes })
  const saving = createSaving(say)

  function tell({ changed, by }: Change): void {
    const { event, previousStatus, newStatus, row } = changed
    const { entity: entityType, entity_id: entityId, version } = row
    const { actor, correlationId } = by
    log.info(
      { correlationId, entityType, entityId, previousStatus, newStatus, version, actor },
      MESSAGES[event],
    )
  }

  /** A batch of a thousand must not keep the loop to itself. */
  async function inSlices<T>(list: readonly T[], work: (slice: readonly T[]) => unknown) {
    for (const [index, slice] of slicesOf(list).entries()) {
      if (index > 0) await store.breathe()
      await work(slice)
    }
  }

  async function save(
    trx: AnyTransaction,
    { before, current, results, changes }: Decided,
  ): Promise<void> {
    const last = lastOf(changes)
    const changed = new Set(last.map((change) => keyOf(change.changed.row)))
    const touched = results.flatMap((result) =>
      result.kind === 'touched' && !changed.has(keyOf(result.row)) ? [result.row] : [],
    )
    await saving.touched(trx, touched)
    if (touched.length > 0) store.afterCommit(trx, () => written?.([], touched))
    if (changes.length === 0) return
    const rows = [...current.values()].filter((row) => changed.has(keyOf(row)))
    await inSlices(rows, (slice) => saving.states(trx, slice, before))
    await inSlices(changes, (slice) => saving.history(trx, slice))
    await inSlices(last, (slice) => saving.elements(trx, slice, before))
    await inSlices(changes, (slice) => events.append(trx, slice.map(eventOf)))
    store.afterCommit(trx, () => {
      written?.(rows, [])
      void inSlices(changes, (slice) => slice.forEach(tell))
    })
  }

  return {
    /**
     * Runs orders in the caller's transaction, each on what the ones before it left.
     * @param mode `atomic`: when one is refused nothing is stored; `partial`: the others are
     * @returns one result an order, in their order
     */
    async run(
      trx: AnyTransaction,
      orders: readonly Order[],
      mode: 'atomic' | 'partial',
    ): Promise<(Outcome | Refused)[]> {
      const decided = await decideAll(trx, orders)
      const isRefused = decided.results.some(({ kind }) => kind === 'refused')
      if (mode === 'partial' || !isRefused) await save(trx, decided)
      return decided.results
    },
  }
}
