import { expect, test } from 'vitest'
import { operationId } from './operation-id.ts'

test.each([
  ['GET', '/api/v1/states/:entity/:id', 'getStatesByEntityById'],
  ['get', '/api/v1/states/{entity}/{id}', 'getStatesByEntityById'],
  [
    'POST',
    '/api/v1/webhooks/subscriptions/{id}/rotate-secret',
    'postWebhooksSubscriptionsByIdRotateSecret',
  ],
  ['GET', '/health', 'getHealth'],
])('%s %s is %s', (method, path, id) => {
  expect(operationId(method, path)).toBe(id)
})
