import { Type, type TSchema } from '@sinclair/typebox'
import { expect, test } from 'vitest'
import { createParser } from '@potok/core/validation'
import { patience } from '../testing/patience.ts'
import { startReceiver } from '../testing/receiver.ts'
import { change, createWebhookService } from '../testing/webhook-service.ts'

interface Media {
  schema: TSchema
  example?: object
  examples?: Record<string, { value: object }>
}
interface Content {
  content?: Record<string, Media>
}
interface Operation {
  tags?: string[]
  requestBody?: Content
  responses: Record<string, Content>
}
interface Document {
  paths: Record<string, Record<string, Operation>>
  components: object
}

const METHODS = ['GET', 'POST', 'PATCH', 'DELETE'] as const
/** It never ends. */
const ENDLESS = '/api/v1/events/stream'

test('every route of events and webhooks answers its example as the document promises', async () => {
  const { call, subscribe, raise, deliveries } = await createWebhookService()
  const receiver = await startReceiver()
  const { components, paths }: Document = (await call('GET', '/api-docs/json')).body
  const answered: string[] = []

  for (const [path, operations] of Object.entries(paths)) {
    for (const method of METHODS) {
      const operation = operations[method.toLowerCase()]
      if (path === ENDLESS || !operation?.tags?.some((tag) => /^(?:events|webhooks)$/u.test(tag)))
        continue
      const { id } = await subscribe({ url: receiver.url })
      await raise(change(`t${answered.length}`, 1))
      await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('delivered')
      if (path.endsWith('/finish')) {
        await call('POST', `webhooks/subscriptions/${id}/rotate-secret`, {})
      }
      const [delivery] = await deliveries(id)
      const known = path.includes('/deliveries/{id}') ? (delivery?.id ?? '') : id
      const media = operation.requestBody?.content?.['application/json']
      const example = media?.example ?? Object.values(media?.examples ?? {})[0]?.value
      const isShown = media === undefined || example !== undefined
      expect({ path, method, isShown }).toEqual({ path, method, isShown: true })

      const { status, body } = await call(method, path.replace('{id}', known), example)

      const promised = operation.responses[String(status)]
      const isPromised = promised !== undefined && status < 300
      expect({ path, method, status, isPromised }).toEqual({
        path,
        method,
        status,
        isPromised: true,
      })
      const answer = promised?.content?.['application/json']?.schema
      if (answer !== undefined) {
        createParser(Type.Unsafe({ ...answer, components }))(body)
      }
      answered.push(`${method} ${path}`)
    }
  }

  expect(answered).toHaveLength(14)
})
