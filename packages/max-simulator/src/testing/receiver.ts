/** A webhook endpoint for tests: keeps what it gets, byte for byte, and answers as it is told. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'

interface Received {
  readonly at: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
  /** The pieces in which the body came in. */
  readonly chunks: number
}

export interface Receiver {
  readonly url: string
  readonly received: Received[]
  /** Parsed bodies, in the order of arrival. */
  updates(): Record<string, unknown>[]
  /** What the next requests get; `hang` never answers. */
  answer: (request: Received) => number | 'hang' | Promise<number>
  close(): Promise<void>
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = []
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const one = {
        at: Date.now(),
        headers: request.headers,
        body: Buffer.concat(chunks),
        chunks: chunks.length,
      }
      received.push(one)
      const answered = Promise.resolve(receiver.answer(one))
      void answered.then((status) => status !== 'hang' && response.writeHead(status).end())
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const receiver: Receiver = {
    url: `http://127.0.0.1:${portOf(address)}/hook`,
    received,
    updates: () => received.map(({ body }): Record<string, unknown> => JSON.parse(String(body))),
    answer: () => 200,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
  return receiver
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
