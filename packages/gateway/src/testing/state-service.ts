import type { ServerResponse } from 'node:http'
import { fastify, type FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'
import type { EventLogItem } from '@potok/contracts/event'
import type { Metadata } from '@potok/contracts/state'

interface Stream {
  response: ServerResponse
  /** Cursor of what it was told. */
  at: string
}

interface Presence {
  status: string
  version: number
  updatedBy: string
}

/** Lets somebody wait until it is opened. */
function gate() {
  let waiting: (() => void)[] = []
  let isShut = false
  return {
    pass: (): Promise<void> =>
      isShut ? new Promise((resolve) => void waiting.push(resolve)) : Promise.resolve(),
    waiting: () => waiting.length,
    shut: (): void => void (isShut = true),
    open(): void {
      isShut = false
      for (const resolve of waiting.splice(0)) resolve()
      waiting = []
    },
  }
}

/** The event log: cursors change their epoch with every start, and stay good. */
function createLog() {
  let items: EventLogItem[] = []
  let epoch = 1
  let base = 'e0.0'
  const versions = new Map<string, number>()
  const head = (): string => items.at(-1)?.cursor ?? base
  const nextPosition = (): number => Number(head().split('.')[1]) + 1

  return {
    head,
    items: () => items,
    /** What follows a cursor; undefined for one that is not of this log. */
    after(cursor: string): EventLogItem[] | undefined {
      if (cursor === base) return items
      const index = items.findIndex((item) => item.cursor === cursor)
      return index < 0 ? undefined : items.slice(index + 1)
    },
    append(
      entity: string,
      id: string,
      status: string | null,
      metadata: Metadata = {},
    ): EventLogItem {
      const version = (versions.get(`${entity}/${id}`) ?? 0) + 1
      versions.set(`${entity}/${id}`, version)
      const item: EventLogItem = {
        cursor: `e${epoch}.${nextPosition()}`,
        id: `evt_${entity}_${id}_${version}_${epoch}`,
        event:
          status === null ? 'entity.deleted' : version === 1 ? 'entity.created' : 'entity.updated',
        timestamp: '2026-01-01T00:00:00.000Z',
        data: {
          entity,
          id,
          previousStatus: version === 1 ? null : 'created',
          newStatus: status,
          metadata,
          version,
          actor: 'user:u1',
          reason: null,
          correlationId: 'c-1',
        },
      }
      items.push(item)
      return item
    },
    custom(): EventLogItem {
      const item: EventLogItem = {
        cursor: `e${epoch}.${nextPosition()}`,
        id: `evt_custom_${nextPosition()}`,
        event: 'custom.event',
        timestamp: '2026-01-01T00:00:00.000Z',
        data: { name: 'tick', data: null },
      }
      items.push(item)
      return item
    },
    begin: (): void => void (epoch += 1),
    /** A backup came back: what was after `keep` events never happened. */
    restore(keep: number): void {
      items = items.slice(0, keep)
      epoch += 1
    },
    /** Retention: the oldest are gone. */
    purge(count: number): void {
      base = items[count - 1]?.cursor ?? base
      items = items.slice(count)
    },
  }
}

type Log = ReturnType<typeof createLog>

function streamRoute(app: FastifyInstance, log: Log, streams: Set<Stream>, pump: () => void) {
  app.get('/api/v1/events/stream', async (request, reply) => {
    reply.hijack()
    const response = reply.raw
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const given = request.headers['last-event-id']
    const stream = { response, at: typeof given === 'string' ? given : log.head() }
    response.write(`retry: 1000\nid: ${stream.at}\n\n`)
    streams.add(stream)
    response.on('close', () => streams.delete(stream))
    pump()
  })
}

function presenceRoutes(app: FastifyInstance, people: Map<string, Presence>, asked: string[]) {
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

/** A state service as far as sockets need one: event log, stream and presence, with handles on its timing. */
export async function startStateService() {
  const log = createLog()
  const streams = new Set<Stream>()
  const people = new Map<string, Presence>()
  const asked: string[] = []
  const pages: string[] = []
  const reading = gate()
  let pageLimit = 500
  let isStreaming = true
  let isAway = false

  function pump(): void {
    if (!isStreaming) return
    for (const stream of streams) {
      const missed = log.after(stream.at)
      if (missed === undefined) {
        const reset = { reason: 'foreign_epoch', cursor: log.head() }
        stream.response.write(
          `id: ${reset.cursor}\nevent: reset\ndata: ${JSON.stringify(reset)}\n\n`,
        )
      }
      for (const item of missed ?? []) {
        stream.response.write(
          `id: ${item.cursor}\nevent: ${item.event}\ndata: ${JSON.stringify(item)}\n\n`,
        )
      }
      stream.at = log.head()
    }
  }

  const app = fastify({ forceCloseConnections: true })
  app.addHook('onRequest', async (request, reply) => {
    if (!isAway) return
    reply.hijack()
    request.raw.destroy()
  })
  app.get('/health/readiness', async () => ({ ready: true }))
  app.get<{ Querystring: { after: string; limit: number } }>(
    '/api/v1/events',
    async ({ query }, reply) => {
      pages.push(query.after)
      await reading.pass()
      const found = log.after(query.after)
      if (found === undefined) return reply.code(410).send({ code: 'EVENTS_CURSOR_RESET' })
      const items = found.slice(0, Math.min(pageLimit, Number(query.limit)))
      return { items, nextCursor: items.at(-1)?.cursor ?? query.after }
    },
  )
  streamRoute(app, log, streams, pump)
  presenceRoutes(app, people, asked)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => app.close())

  const cut = (): void => {
    for (const { response } of streams) response.destroy()
  }
  return {
    url,
    log,
    people,
    /** Requests about presence: actor, method, path. */
    asked,
    /** Cursors after which the log was read. */
    pages,
    /** Readings of the log wait at it. */
    reading,
    streams,
    /** A change of an entity, as the log tells it. */
    change(entity: string, id: string, status: string | null, metadata?: Metadata): EventLogItem {
      const item = log.append(entity, id, status, metadata)
      pump()
      return item
    },
    custom(): EventLogItem {
      const item = log.custom()
      pump()
      return item
    },
    /** Pages are shorter than asked for. */
    limitPages: (count: number): void => void (pageLimit = count),
    /** The stream says nothing, the log goes on. */
    stopStreams: (): void => void (isStreaming = false),
    resumeStreams(): void {
      isStreaming = true
      pump()
    },
    /** The process dies; every connection is cut, and none is answered until `comeBack`. */
    goAway(): void {
      isAway = true
      cut()
    },
    comeBack(): void {
      isAway = false
      log.begin()
    },
    restore(keep: number): void {
      log.restore(keep)
      pump()
    },
  }
}

export type StateService = Awaited<ReturnType<typeof startStateService>>
