import type { CompiledQuery, Kysely, QueryResult, RawBuilder } from 'kysely'
import type { DatabaseStats } from './database.ts'
import type { DialectSql } from './dialect.ts'
import type { Signals } from './signals.ts'
import type { Scope, Scopes } from './transaction-scope.ts'

/** What a dialect brings: the narrow interface under {@link Database}. */
export interface Engine {
  readonly sql: DialectSql
  readonly scopes: Scopes
  readonly signals: Signals
  kysely<Tables>(): Kysely<Tables>
  /** Reads. */
  execute<Row>(query: CompiledQuery<Row>): Promise<QueryResult<Row>>
  write<T>(work: (scope: Scope) => Promise<T>, timeoutMs?: number): Promise<T>
  buildIndex(name: string, definition: RawBuilder<unknown>): Promise<void>
  breathe(): Promise<void>
  ping(): Promise<number>
  stats(): DatabaseStats
  close(): Promise<void>
}
