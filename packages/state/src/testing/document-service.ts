/** An external DB: keeps documents by their version, and fails on demand. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createParser } from '@potok/core/validation'
import { freePort } from '@potok/core/testing/server-process'
import { Type } from '@sinclair/typebox'
import { onTestFinished } from 'vitest'

export interface Exchange {
  method: string
  id: string
  version: number
  key: string | undefined
  correlationId: string | undefined
}

/** What it answers instead of doing its work; `hang`: nothing at all. */
export type Failure = { status: number; headers?: Record<string, string> } | 'hang' | undefined

const parseDocument = createParser(
  Type.Object({
    entityType: Type.String(),
    entityId: Type.String(),
    status: Type.String(),
    version: Type.Integer(),
    metadata: Type.Record(Type.String(), Type.Unknown()),
    timestamp: Type.String(),
  }),
)

const PREFIX = '/api/v1/db/states/'

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

function answer(response: ServerResponse, status: number, body: unknown = {}): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(status === 204 ? undefined : JSON.stringify(body))
}

/** What an external DB does with documents that have a version. */
function createShelf() {
  const documents = new Map<string, unknown>()
  const versions = new Map<string, number>()
  return {
    documents,
    handle(response: ServerResponse, { method, id, version }: Exchange, text: string): void {
      if (method === 'GET') {
        const found = documents.get(id)
        return answer(response, found === undefined ? 404 : 200, found)
      }
      if (version < (versions.get(id) ?? 0)) {
        return answer(response, 412, { code: 'DOCUMENTS_STALE_VERSION' })
      }
      versions.set(id, version)
      if (method === 'DELETE') documents.delete(id)
      else documents.set(id, parseDocument(JSON.parse(text)))
      return answer(response, method === 'DELETE' ? 204 : 200)
    },
  }
}

function exchangeOf({ method = '', headers }: IncomingMessage, url: URL, text: string): Exchange {
  return {
    method,
    id: decodeURIComponent(url.pathname.slice(PREFIX.length)),
    version:
      text === ''
        ? Number(url.searchParams.get('version'))
        : parseDocument(JSON.parse(text)).version,
    key: headers['x-api-key']?.toString(),
    correlationId: headers['x-correlation-id']?.toString(),
  }
}

/** Not listening until it is opened. Closed when the test is over. */
export async function documentService() {
  const port = await freePort()
  const shelf = createShelf()
  const exchanges: Exchange[] = []
  const service = {
    port,
    url: `http://127.0.0.1:${port}`,
    documents: shelf.documents,
    exchanges,
    /** For a request; undefined: it does its work. */
    failure: (_exchange: Exchange): Failure => undefined,
    async open(): Promise<void> {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    async close(): Promise<void> {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await bodyOf(request)
    const url = new URL(request.url ?? '/', service.url)
    if (!url.pathname.startsWith(PREFIX)) return answer(response, 200)
    const exchange = exchangeOf(request, url, text)
    exchanges.push(exchange)
    const failure = service.failure(exchange)
    if (failure === 'hang') return
    if (failure === undefined) return shelf.handle(response, exchange, text)
    response.writeHead(failure.status, failure.headers)
    response.end('{"detail":"as the test wants it"}')
  }

  const server = createServer((request, response) => void serve(request, response))
  onTestFinished(() => service.close())
  return service
}

export type DocumentService = Awaited<ReturnType<typeof documentService>>
