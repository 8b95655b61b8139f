/**
 * States: the truth about statuses. Routes to write and read them, their history, and the sweeper that lets them expire.
 */
import fp from 'fastify-plugin'
import type { StateCaching } from '../cache/index.ts'
import type { ExternalDb } from '../external-db/index.ts'
import { writtenOf } from './changes.ts'
import { createCachedReads } from './cached-reads.ts'
import { createExpiry } from './expiry.ts'
import { createQueries } from './queries.ts'
import { readRoutes } from './read-routes.ts'
import { createReads } from './reads.ts'
import { createStates } from './states.ts'
import { createWriter } from './writer.ts'
import { writeRoutes } from './write-routes.ts'

export { HISTORY_COLUMNS, namesOf, STATE_COLUMNS } from './columns.ts'
export { indexedElements, metadataText } from './metadata.ts'

export interface StatesOptions {
  /** Undefined: every read asks the store. */
  cache?: Pick<StateCaching, 'find' | 'list' | 'written'>
  /** Where else a state may be found that never was in the store. */
  elsewhere?: Pick<ExternalDb, 'find'> | undefined
  /** METADATA_LIMIT */
  metadataLimitBytes: number
  /** EXPIRY_SWEEP_MS */
  sweepMs: number
}

export default fp<StatesOptions>(
  async (app, { cache, elsewhere, metadataLimitBytes, sweepMs }) => {
    const { store, longReads, machines, events, idempotency } = app
    const log = app.log.child({ context: 'StateService' })
    const writer = createWriter({
      store,
      machines,
      events,
      log,
      metadataLimitBytes,
      written: (rows, touched) => cache?.written(writtenOf(rows, touched)),
    })
    const states = createStates({ store, writer, idempotency })
    const { transact } = states
    const expiry = createExpiry({ store, writer, transact, log, sweepMs })
    app.addHook('onReady', async () => expiry.start())
    app.addHook('preClose', () => expiry.close())
    const reads = createReads({ store, machines })
    const queries = createQueries({ store, machines, longReads })
    const prefix = '/api/v1/states'
    const cached = createCachedReads({ reads, queries, cache, elsewhere })
    await app.register(readRoutes, { prefix, reads, queries, cached })
    await app.register(writeRoutes, { prefix, states, writer })
  },
  {
    name: '@potok/state/states',
    fastify: '5.x',
    dependencies: [
      '@potok/api-key',
      '@potok/state/store',
      '@potok/state/idempotency',
      '@potok/events',
      '@potok/state/machines',
    ],
  },
)
