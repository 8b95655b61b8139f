import { fastify } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { User } from '@potok/contracts/user'
import { Credentials, PasswordChange } from '@potok/contracts/user'
import { createParser } from '@potok/core/validation'

export interface Person extends User {
  password: string
}

const parseCredentials = createParser(Credentials)
const parseChange = createParser(PasswordChange)
const parseParams = createParser(Type.Object({ id: Type.String() }))

/** A person as the admin service knows them. */
export function person(
  id: string,
  given: Partial<Omit<Person, 'id'>> & Pick<Person, 'roles'>,
): Person {
  return {
    id,
    username: id,
    displayName: `Person ${id}`,
    skills: [],
    capacity: 5,
    timeZone: 'Europe/Moscow',
    active: true,
    version: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    password: `password of ${id}`,
    ...given,
  }
}

/** An admin service that answers as the real one does to what the gateway asks of it. */
export async function startAdminService(people: Person[]) {
  const asked: { route: string; correlationId: string; apiKey: string }[] = []
  const app = fastify({ forceCloseConnections: true })
  app.addHook('onRequest', async ({ method, url, headers }) => {
    asked.push({
      route: `${method} ${url}`,
      correlationId: String(headers['x-correlation-id']),
      apiKey: String(headers['x-api-key']),
    })
  })
  const view = ({ password: _password, ...user }: Person): User => user
  app.post('/api/v1/users/verify', async (request, reply) => {
    const { username, password } = parseCredentials(request.body)
    const found = people.find((one) => one.username === username.toLowerCase())
    if (found?.password !== password || !found.active) {
      return reply.code(401).send({ code: 'USERS_CREDENTIALS_WRONG', status: 401 })
    }
    return view(found)
  })
  app.get('/api/v1/users/:id', async (request, reply) => {
    const { id } = parseParams(request.params)
    const found = people.find((one) => one.id === id)
    return found === undefined ? reply.code(404).send({ status: 404 }) : view(found)
  })
  app.post('/api/v1/users/:id/password', async (request, reply) => {
    const { id } = parseParams(request.params)
    const { currentPassword, newPassword } = parseChange(request.body)
    const found = people.find((one) => one.id === id)
    const isOwn = request.headers['x-actor'] === `user:${id}`
    if (!isOwn || found?.password !== currentPassword) return reply.code(403).send({ status: 403 })
    Object.assign(found, { password: newPassword, version: found.version + 1 })
    return reply.code(204).send()
  })
  app.patch('/api/v1/users/:id', async ({ body }, reply) =>
    reply.code(body === null ? 422 : 200).send({ changed: body }),
  )
  app.delete('/api/v1/users/:id', async (_request, reply) => reply.code(204).send())
  app.post('/api/v1/users', async (_request, reply) =>
    reply.code(201).header('location', '/api/v1/users/usr_1').send({}),
  )
  app.post('/api/v1/db/:entity', async (_request, reply) => reply.code(503).send({ status: 503 }))
  app.get('/health/readiness', async () => ({ ready: true }))
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return { url, people, asked, close: () => app.close() }
}
