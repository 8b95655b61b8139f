/**
 * Transfer: `GET /api/v1/export` and `POST /api/v1/import`, states with their history as NDJSON, streamed both ways while
 * the service goes on.
 */
import fp from 'fastify-plugin'
import { createExportPages } from './export-pages.ts'
import { createImportBatch } from './import-batch.ts'
import { createImportStore } from './import-store.ts'
import { routes } from './routes.ts'
import { createTransfer } from './transfer.ts'

export interface TransferOptions {
  /** METADATA_LIMIT */
  metadataLimitBytes: number
  /** Exports under way at once. */
  exportLimit?: number
  /** An export whose reader takes nothing for so long is cut off. */
  stallMs?: number
}

export default fp<TransferOptions>(
  async (app, { metadataLimitBytes, exportLimit = 4, stallMs = 60_000 }) => {
    const { store, machines, events, stateCache, externalDb } = app
    const batch = createImportBatch({
      store,
      say: createImportStore(store),
      rulesFor: (trx, entities) => machines.rulesFor(trx, entities),
      changed: async (trx, entities) => externalDb?.changed(trx, entities),
    })
    const transfer = createTransfer({
      store,
      machines,
      batch,
      pages: createExportPages(store),
      restart: (trx) => events.restart(trx),
      forget: () => stateCache.reset(),
      log: app.log.child({ context: 'Transfer' }),
      metadataLimitBytes,
      exportLimit,
      stallMs,
    })
    app.addHook('preClose', async () => transfer.close())
    await app.register(routes, { prefix: '/api/v1', transfer })
  },
  {
    name: '@potok/state/transfer',
    fastify: '5.x',
    dependencies: [
      '@potok/api-key',
      '@potok/state/store',
      '@potok/state/machines',
      '@potok/events',
      '@potok/state/cache',
      '@potok/state/external-db',
    ],
  },
)
