import type { ServerResponse } from 'node:http'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { onTestFinished } from 'vitest'
import type { EventLogItem } from '@potok/contracts/event'
import type { Metadata } from '@potok/contracts/state'
import { TestLog } from './event-log.ts'
import { presenceRoutes, type TestPresence } from './presence-routes.ts'

interface Stream {
  response: ServerResponse
  /** Cursor of what it was told. */
  at: string
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

/** The streams of a log: each is told what follows its cursor, whenever it is pumped. */
class Streams {
  readonly open = new Set<Stream>()
  readonly #log: TestLog
  #isStopped = false

  constructor(log: TestLog) {
    this.#log = log
  }

  begin(response: ServerResponse, lastEventId: string | undefined): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const stream = { response, at: lastEventId ?? this.#log.head() }
    response.write(`retry: 1000\nid: ${stream.at}\n\n`)
    this.open.add(stream)
    response.on('close', () => this.open.delete(stream))
    this.pump()
  }

  pump(): void {
    if (this.#isStopped) return
    const frame = (id: string, event: string, data: object): string =>
      `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
    for (const stream of this.open) {
      const missed = this.#log.after(stream.at)
      const cursor = this.#log.head()
      if (missed === undefined) {
        stream.response.write(frame(cursor, 'reset', { reason: 'foreign_epoch', cursor }))
      }
      for (const item of missed ?? []) stream.response.write(frame(item.cursor, item.event, item))
      stream.at = cursor
    }
  }

  /** They say nothing, the log goes on. */
  stop(): void {
    this.#isStopped = true
  }

  resume(): void {
    this.#isStopped = false
    this.pump()
  }

  cut(): void {
    for (const { response } of this.open) response.destroy()
  }
}

interface LogRoutesOptions {
  log: TestLog
  streams: Streams
  /** Called with the cursor of every reading; the answer waits for it. */
  read: (after: string) => Promise<void>
  /** Pages are at most so long, whatever was asked for. */
  pageMost: () => number
}

function logRoutes(app: FastifyInstance, { log, streams, read, pageMost }: LogRoutesOptions) {
  app.get<{ Querystring: { after: string } }>('/api/v1/events', async ({ query }, reply) => {
    await read(query.after)
    const found = log.after(query.after)
    if (found === undefined) return reply.code(410).send({ code: 'EVENTS_CURSOR_RESET' })
    const items = found.slice(0, pageMost())
    return { items, nextCursor: items.at(-1)?.cursor ?? query.after }
  })
  app.get('/api/v1/events/stream', async ({ headers }, reply) => {
    reply.hijack()
    const given = headers['last-event-id']
    streams.begin(reply.raw, typeof given === 'string' ? given : undefined)
  })
}

/** Tasks, about which a test says what is answered. */
function taskRoutes(app: FastifyInstance) {
  const tasks = {
    answer: (_request: FastifyRequest, reply: FastifyReply): unknown => reply.code(404).send({}),
  }
  for (const path of ['/api/v1/states/task', '/api/v1/states/task/:id']) {
    app.all(path, async (request, reply) => tasks.answer(request, reply))
  }
  return tasks
}

/** A state service as far as sockets need one: event log, stream and presence, with handles on its timing. */
export async function startStateService() {
  const log = new TestLog()
  const streams = new Streams(log)
  const people = new Map<string, TestPresence>()
  const asked: string[] = []
  const pages: string[] = []
  const reading = gate()
  let pageMost = 500
  let isAway = false

  const app = fastify({ forceCloseConnections: true })
  app.addHook('onRequest', async (request, reply) => {
    if (!isAway) return
    reply.hijack()
    request.raw.destroy()
  })
  app.get('/health/readiness', async () => ({ ready: true }))
  logRoutes(app, {
    log,
    streams,
    pageMost: () => pageMost,
    async read(after) {
      pages.push(after)
      await reading.pass()
    },
  })
  presenceRoutes(app, people, asked)
  const tasks = taskRoutes(app)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => app.close())

  return {
    url,
    log,
    streams,
    people,
    /** What it answers about tasks. */
    tasks,
    /** Requests about presence: actor, method, path. */
    asked,
    /** Cursors after which the log was read. */
    pages,
    /** Readings of the log wait at it. */
    reading,
    /** A change of an entity, as the log tells it. */
    change(entity: string, id: string, status: string | null, metadata?: Metadata): EventLogItem {
      const item = log.append(entity, id, status, metadata)
      streams.pump()
      return item
    },
    limitPages: (count: number): void => void (pageMost = count),
    /** The process dies; every connection is cut, and none is answered until `comeBack`. */
    goAway(): void {
      isAway = true
      streams.cut()
    },
    comeBack(): void {
      isAway = false
      log.begin()
    },
    restore(keep: number): void {
      log.restore(keep)
      streams.pump()
    },
  }
}

export type StateService = Awaited<ReturnType<typeof startStateService>>
