import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { unsignedText, verifySignature } from '@potok/contracts/webhook-signature'
import type { Random } from '../random.ts'

/** One change at one endpoint. */
interface Arrival {
  /** How often it came. */
  times: number
  webhookId: string
  text: string
}

const SLOWEST_MS = 12

/** Endpoints that are well: each answers 200 after a moment. What they got is kept by endpoint and change. */
export async function startWellSink(random: Random, secret: string) {
  const arrivals = new Map<string, Map<string, Arrival>>()
  const open = new Map<string, number>()
  const most = new Map<string, number>()
  const faults: string[] = []
  let received = 0

  function take(endpoint: string, body: string, webhookId: string, signature: string): void {
    if (!verifySignature(body, signature, [secret])) faults.push(`${endpoint}: a wrong signature`)
    const { data } = JSON.parse(body) as { data: { id: string; version: number } }
    const change = `${data.id}@${data.version}`
    const known = arrivals.get(endpoint) ?? new Map<string, Arrival>()
    arrivals.set(endpoint, known)
    const text = unsignedText(body)
    const before = known.get(change) ?? { times: 0, webhookId, text }
    if (before.webhookId !== webhookId || before.text !== text)
      faults.push(`${endpoint}: ${change} was told in two ways`)
    received += 1
    known.set(change, { ...before, times: before.times + 1 })
  }

  const server = createServer((request, response) => {
    const endpoint = request.url ?? '/'
    const now = (open.get(endpoint) ?? 0) + 1
    open.set(endpoint, now)
    most.set(endpoint, Math.max(most.get(endpoint) ?? 0, now))
    response.once('close', () => open.set(endpoint, (open.get(endpoint) ?? 0) - 1))
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => undefined)
    request.on('end', () => {
      const { 'webhook-id': id, 'x-webhook-signature': signature } = request.headers
      take(endpoint, Buffer.concat(chunks).toString('utf8'), String(id), String(signature))
      void pause(random.integer(0, SLOWEST_MS)).then(() => response.end('{"ok":true}'))
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  return {
    origin,
    arrivals,
    faults,
    /** The most requests that an endpoint had open at once. */
    mostOpen: (endpoint: string): number => most.get(endpoint) ?? 0,
    received: (): number => received,
    close: (): Promise<void> =>
      new Promise((done) => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}

export type WellSink = Awaited<ReturnType<typeof startWellSink>>
