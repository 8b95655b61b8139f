/**
 * Baseline of the state service: the same application, its plugins and its body schema, with routes that do nothing.
 */
import '@potok/core/api-key'
import { Type } from '@sinclair/typebox'
import { State, StateUpsert } from '@potok/contracts/state'
import { readConfig } from '@potok/core/config'
import { createLogger } from '@potok/core/logging'
import { buildApp } from '@potok/state/app'
import { Config } from '@potok/state/config'

const config = readConfig(Config, process.env)
const app = await buildApp(config, createLogger(config))

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
