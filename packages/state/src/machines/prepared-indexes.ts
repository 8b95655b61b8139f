import type { Database } from '@potok/core/database'
import type { StateTables } from '../states/tables.ts'
import { dropMetadataIndex, indexDefinition, indexName } from './metadata-index.ts'
import type { MachineRows } from './rows.ts'

export interface PreparedIndexesDeps {
  store: Database<StateTables>
  rows: Pick<MachineRows, 'find'>
}

/** Indexes that are made before the rules that declare them are in force: writers go on meanwhile (PostgreSQL). */
export function createPreparedIndexes({ store, rows }: PreparedIndexesDeps) {
  return {
    async build(entity: string, paths: readonly string[]): Promise<void> {
      for (const path of paths) {
        await store.buildIndex(indexName(entity, path), indexDefinition(store, entity, path))
      }
    },
    /** Takes away what was made for rules that did not come into force. */
    async dropUnused(entity: string, built: readonly string[]): Promise<void> {
      if (built.length === 0) return
      await store.write(async (trx) => {
        const current = await rows.find(entity, trx)
        const unused = built.filter((path) => !current?.indexes?.includes(path))
        for (const path of unused) await dropMetadataIndex(entity, path).execute(trx)
      })
    },
  }
}
