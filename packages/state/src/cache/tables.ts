import type { NumberColumn } from '@potok/core/database'

/** Patterns whose keys every replica is to forget. */
export interface CacheInvalidationsTable {
  id: string
  pattern: string
  created_at: NumberColumn
}

export interface CacheTables {
  cache_invalidations: CacheInvalidationsTable
}
