import { createServer, type IncomingHttpHeaders } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

export interface Received {
  headers: IncomingHttpHeaders
  /** The raw body, as signed. */
  body: string
  at: number
}

const PATIENCE_MS = 20_000

/** An HTTP endpoint that keeps what it receives and answers 200. */
export async function startReceiver() {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
        at: Date.now(),
      })
      response.end('{}')
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the receiver has no port')
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    received,
    /** Waits until something that fits was received. */
    async gets(wanted: (one: Received) => boolean, what: string): Promise<Received> {
      const deadline = Date.now() + PATIENCE_MS
      for (;;) {
        const found = received.find(wanted)
        if (found) return found
        if (Date.now() > deadline) throw new Error(`The receiver did not get ${what}`)
        await pause(10)
      }
    },
    close: (): Promise<void> =>
      new Promise((done) => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}
