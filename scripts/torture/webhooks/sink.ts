import { lookup } from 'node:dns/promises'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { hostname } from 'node:os'
import type { Random } from '../random.ts'

/** What the sink does with a delivery. Everything but `ok` is a failure that the sender must survive. */
export const FAULTS = ['error', 'busy', 'hang', 'drip', 'reset', 'redirect', 'close-early'] as const
export type Behaviour = 'ok' | (typeof FAULTS)[number]

export interface Receipt {
  endpoint: string
  headers: IncomingHttpHeaders
  body: string
  behaviour: Behaviour
  /** What a receiver would have held against its signatures when it came. */
  refusal: string | undefined
}

export interface SinkOptions {
  random: Random
  /** Where a redirect points: an address that deliveries must never reach. */
  forbidden: string
  /** What an endpoint does next. */
  behave: (endpoint: string, random: Random) => Behaviour
  /** Checks the signatures as receivers do, at once: they are good for five minutes. @returns what is wrong */
  verify: (delivery: Pick<Receipt, 'endpoint' | 'headers' | 'body'>) => string | undefined
}

const DRIP_MS = 100
/** Loopback, but not the one address of it that is opened. */
const FORBIDDEN_ADDRESS = '127.0.0.2'
const METADATA = '/latest/meta-data/iam/security-credentials'

function drip(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '1000000' })
  const timer = setInterval(() => response.write('.'), DRIP_MS)
  response.on('close', () => clearInterval(timer))
}

function answer(
  behaviour: Behaviour,
  response: ServerResponse,
  socket: Socket,
  forbidden: string,
): void {
  switch (behaviour) {
    case 'ok':
      response.end('{"ok":true}')
      return
    case 'error':
      response.writeHead(500).end('broken')
      return
    case 'busy':
      response.writeHead(429, { 'retry-after': '1' }).end()
      return
    case 'redirect':
      response.writeHead(302, { location: forbidden }).end()
      return
    case 'drip':
      drip(response)
      return
    case 'reset':
      socket.resetAndDestroy()
      return
    case 'close-early':
      response.writeHead(200, { 'content-length': '100' }).write('half')
      socket.destroySoon()
      return
    case 'hang':
  }
}

/** A receiver that behaves as badly as receivers do, and keeps what it got. The path names the endpoint. */
export async function startSink({ random, forbidden, behave, verify }: SinkOptions) {
  const receipts: Receipt[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => undefined)
    request.on('end', () => {
      const endpoint = request.url ?? '/'
      const behaviour = behave(endpoint, random)
      const body = Buffer.concat(chunks).toString('utf8')
      const delivery = { endpoint, headers: request.headers, body }
      receipts.push({ ...delivery, behaviour, refusal: verify(delivery) })
      answer(behaviour, response, request.socket, forbidden)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    receipts,
    origin: `http://127.0.0.1:${port}`,
    url: (endpoint: string): string => `http://127.0.0.1:${port}${endpoint}`,
    close: (): Promise<void> =>
      new Promise((done) => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}

export type Sink = Awaited<ReturnType<typeof startSink>>

/** This machine's own name and where it leads: to an address that nobody opened. */
async function ownAddress(): Promise<{ name: string; address: string } | undefined> {
  const name = hostname()
  try {
    const { address } = await lookup(name, { family: 4 })
    return { name, address }
  } catch {
    // Without a name there is one way less to get to what is forbidden.
    return undefined
  }
}

async function listen(server: Server, address: string): Promise<number> {
  await new Promise<void>((done) => server.listen(0, address, done))
  const bound = server.address()
  return typeof bound === 'object' && bound !== null ? bound.port : 0
}

/** Stands at addresses that no delivery may reach, under a number and under a name, and counts who comes. */
export async function startForbidden() {
  let hits = 0
  const own = await ownAddress()
  const servers = [FORBIDDEN_ADDRESS, ...(own === undefined ? [] : [own.address])].map(
    (address) => ({
      address,
      server: createServer((_request, response) => {
        hits += 1
        response.end()
      }),
    }),
  )
  const ports: number[] = []
  for (const { server, address } of servers) ports.push(await listen(server, address))
  return {
    url: `http://${FORBIDDEN_ADDRESS}:${ports[0]}${METADATA}`,
    /** Undefined where this machine's name leads nowhere. */
    byName: own === undefined ? undefined : `http://${own.name}:${ports.at(-1)}${METADATA}`,
    hits: (): number => hits,
    async close(): Promise<void> {
      for (const { server } of servers) {
        await new Promise<void>((done) => void server.close(() => done()))
      }
    },
  }
}
