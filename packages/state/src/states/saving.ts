import type { AnyTransaction } from '@potok/core/database'
import type { Rules } from '../machines/index.ts'
import { historyOf, keyOf, type Change } from './changes.ts'
import { CreatedMeanwhile } from './errors.ts'
import { indexedElements, type Element } from './metadata.ts'
import { metadataOf, type StateRow } from './state-row.ts'
import type { Statements } from './statements.ts'
import type { StateElementsTable } from './tables.ts'

/** Rows by {@link keyOf}, as they were before the write; tombstones included. */
export type Before = ReadonlyMap<string, StateRow>

const json = (rows: readonly object[]): { rows: string } => ({ rows: JSON.stringify(rows) })

/** The elements that are indexed for a row. Most metadata holds no array at all. */
function elementsBefore(row: StateRow | undefined, { indexes }: Rules): Element[] {
  if (row === undefined || row.deleted_at !== null) return []
  if (indexes.length === 0 || !row.metadata.includes('[')) return []
  return indexedElements(metadataOf(row.metadata), indexes)
}

/** Stores what a write decided. One change goes through statements of its own, several share one. */
export function createSaving(say: Statements) {
  async function replace(trx: AnyTransaction, rows: readonly StateRow[], before: Before) {
    const [only] = rows
    if (only === undefined) return
    const isAlive = before.get(keyOf(only))?.deleted_at === null
    if (rows.length === 1 && isAlive) await say.update(only, trx)
    else await say.replaceMany(json(rows), trx)
  }

  /** @throws CreatedMeanwhile a row that was not there when we looked */
  async function insert(trx: AnyTransaction, rows: readonly StateRow[]): Promise<void> {
    const [only] = rows
    if (only === undefined) return
    const { numAffectedRows = 0n } =
      rows.length === 1 ? await say.insert(only, trx) : await say.insertMany(json(rows), trx)
    if (numAffectedRows < BigInt(rows.length)) throw new CreatedMeanwhile()
  }

  return {
    /** @param rows what each changed entity is at the end of the write */
    async states(trx: AnyTransaction, rows: readonly StateRow[], before: Before): Promise<void> {
      await insert(
        trx,
        rows.filter((row) => !before.has(keyOf(row))),
      )
      await replace(
        trx,
        rows.filter((row) => before.has(keyOf(row))),
        before,
      )
    },

    async touched(trx: AnyTransaction, rows: readonly StateRow[]): Promise<void> {
      for (const { entity, entity_id, expires_at, ttl_seconds } of rows) {
        await say.touch({ entity, entity_id, expires_at, ttl_seconds }, trx)
      }
    },

    async history(trx: AnyTransaction, changes: readonly Change[]): Promise<void> {
      const [only] = changes
      if (only === undefined) return
      if (changes.length === 1) await say.insertHistory(historyOf(only), trx)
      else await say.insertHistories(json(changes.map(historyOf)), trx)
    },

    /** Keeps the index of array elements. @param last the last change of each entity */
    async elements(trx: AnyTransaction, last: readonly Change[], before: Before): Promise<void> {
      const rows: StateElementsTable[] = []
      for (const { changed, rules } of last) {
        const { entity, entity_id } = changed.row
        const old = elementsBefore(before.get(keyOf(changed.row)), rules)
        const now =
          changed.newStatus === null ? [] : indexedElements(changed.metadata, rules.indexes)
        if (JSON.stringify(old) === JSON.stringify(now)) continue
        if (old.length > 0) await say.deleteElements({ entity, entity_id }, trx)
        for (const { path, value } of now) rows.push({ entity, entity_id, path, value })
      }
      if (rows.length > 0) await say.insertElements(json(rows), trx)
    },
  }
}
