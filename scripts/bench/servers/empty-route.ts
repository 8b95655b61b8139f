/**
 * Baseline of the state service: the same plugin set and the same body schema, and routes that do nothing.
 */
import { Type } from '@sinclair/typebox'
import { State, StateUpsert } from '@potok/contracts/state'
import apiKey from '@potok/core/api-key'
import { readConfig } from '@potok/core/config'
import { createLogger } from '@potok/core/logging'
import { createServer } from '@potok/core/server'
import { Config } from '@potok/state/config'

const config = readConfig(Config, process.env)
const app = await createServer({
  config,
  logger: createLogger(config),
  health: { prefix: '/health' },
  metricsPath: '/metrics',
  docs: { path: '/api-docs', title: 'Baseline', description: 'Empty routes', security: 'apiKey' },
})
await app.register(apiKey, { keys: config.API_KEYS })

const state: State = {
  entity: 'task',
  entityId: 'task_1',
  status: 'in_progress',
  version: 1,
  metadata: { assignee: 'user_789', priority: 'high', title: 'Подготовить отчёт' },
  createdAt: '2025-11-10T10:00:00.000Z',
  createdBy: 'service:gateway',
  updatedAt: '2025-11-10T10:00:00.000Z',
  updatedBy: 'service:gateway',
}
const params = Type.Object({ entity: Type.String(), id: Type.String() })
app.post(
  '/api/v1/empty/:entity',
  {
    onRequest: app.requireApiKey,
    schema: { hide: true, body: StateUpsert, response: { 201: State } },
  },
  async (_request, reply) => reply.code(201).send(state),
)
app.get(
  '/api/v1/empty/:entity/:id',
  { onRequest: app.requireApiKey, schema: { hide: true, params, response: { 200: State } } },
  async () => state,
)
await app.listen({ host: '127.0.0.1', port: config.PORT })
