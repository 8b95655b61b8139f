import type { FastifyInstance } from 'fastify'

export interface TestPresence {
  status: string
  version: number
  updatedBy: string
}

/**
 * The routes of `states/user` that presence uses.
 * @param asked gets a line `<actor> <method> <path>` a request
 */
export function presenceRoutes(
  app: FastifyInstance,
  people: Map<string, TestPresence>,
  asked: string[],
): void {
  app.addHook('preHandler', async ({ method, url, headers }) => {
    if (url.startsWith('/api/v1/states/user')) {
      asked.push(`${String(headers['x-actor'])} ${method} ${url}`)
    }
  })
  app.post<{ Params: { id: string } }>(
    '/api/v1/states/user/:id/heartbeat',
    async ({ params }, reply) => {
      const found = people.get(params.id)
      if (found === undefined) return reply.code(404).send({})
      return found.status === 'offline' ? reply.code(409).send({}) : found
    },
  )
  app.get<{ Params: { id: string } }>('/api/v1/states/user/:id', async ({ params }, reply) => {
    return people.get(params.id) ?? reply.code(404).send({})
  })
  app.post<{ Body: { entityId: string; status: string } }>(
    '/api/v1/states/user',
    async ({ body, headers }, reply) => {
      if (people.has(body.entityId)) return reply.code(412).send({})
      const updatedBy = String(headers['x-actor'])
      people.set(body.entityId, { status: body.status, version: 1, updatedBy })
      return reply.code(201).send(people.get(body.entityId))
    },
  )
  app.put<{ Params: { id: string }; Body: { status: string } }>(
    '/api/v1/states/user/:id',
    async ({ params, body, headers }, reply) => {
      const found = people.get(params.id)
      if (headers['if-match'] !== `"${found?.version}"`) return reply.code(412).send({})
      const version = (found?.version ?? 0) + 1
      const updatedBy = String(headers['x-actor'])
      people.set(params.id, { status: body.status, version, updatedBy })
      return people.get(params.id)
    },
  )
}
