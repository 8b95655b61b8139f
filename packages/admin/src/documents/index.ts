/**
 * Documents: JSON objects by kind and id, with ETags, filters and pages: the "external DB" of other services.
 */
import fp from 'fastify-plugin'
import { createDocuments } from './documents.ts'
import { createRetention } from './retention.ts'
import { routes } from './routes.ts'

interface DocumentsOptions {
  /** Where the routes are mounted. */
  prefix: string
  /** How long a delete keeps late writes of older versions away, days. */
  tombstoneDays: number
  /** Documents that one page looks at. Default 2000. */
  scanLimit?: number
  /** Characters of the bodies of one page. Default 4 Mi. */
  pageSize?: number
}

const DAY_MS = 86_400_000
const SWEEP_EVERY_MS = 3_600_000
const SWEEP_BATCH = 500

export default fp<DocumentsOptions>(
  async (app, { prefix, tombstoneDays, scanLimit = 2000, pageSize = 4 * 1024 * 1024 }) => {
    const documents = createDocuments({ database: app.store, scanLimit, pageSize })
    await app.register(routes, { prefix, documents })

    const retention = createRetention({
      database: app.store,
      log: app.log.child({ context: 'Documents' }),
      keepMs: tombstoneDays * DAY_MS,
      everyMs: SWEEP_EVERY_MS,
      batch: SWEEP_BATCH,
    })
    app.addHook('onReady', async () => retention.start())
    app.addHook('onClose', () => retention.stop())
  },
  {
    name: '@potok/documents',
    fastify: '5.x',
    dependencies: ['@potok/admin-store', '@potok/api-key'],
  },
)
