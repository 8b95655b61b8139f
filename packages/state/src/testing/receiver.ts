import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { EntityEvent } from '@potok/contracts/event'
import { createParser } from '@potok/core/validation'

const parseEvent = createParser(EntityEvent)

/** A request as it arrived. */
export interface Receipt {
  path: string
  headers: IncomingHttpHeaders
  /** The raw body. */
  body: string
  /** `performance.now()` */
  at: number
  /** The connection that it came by. */
  socket: Socket
}

export type Answer = (response: ServerResponse, receipt: Receipt, count: number) => void

/** An endpoint that takes deliveries; closed when the test is over. @param answer default: 200 */
export async function startReceiver(answer: Answer = (response) => response.end('ok')) {
  const receipts: Receipt[] = []
  const state = { answer }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const receipt = {
        path: request.url ?? '/',
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
        at: performance.now(),
        socket: request.socket,
      }
      receipts.push(receipt)
      state.answer(response, receipt, receipts.length)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = (): Promise<void> =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  onTestFinished(close)
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    receipts,
    url: `http://127.0.0.1:${port}/hook`,
    /** Nobody listens there any more. */
    close,
    /** Answers otherwise from now on. */
    behave(next: Answer): void {
      state.answer = next
    },
    /** Events that arrived, as `id/version`. */
    versions: (): string[] =>
      receipts.map(({ body }) => {
        const { id, version } = parseEvent(JSON.parse(body)).data
        return `${id}/${version}`
      }),
  }
}

/** One header of a receipt; empty when it was not there. */
export const header = (receipt: Receipt | undefined, name: string): string => {
  const value = receipt?.headers[name]
  return typeof value === 'string' ? value : ''
}

/** The headers that a Standard Webhooks library looks at. */
export const standardHeaders = (receipt: Receipt | undefined) => ({
  'webhook-id': header(receipt, 'webhook-id'),
  'webhook-timestamp': header(receipt, 'webhook-timestamp'),
  'webhook-signature': header(receipt, 'webhook-signature'),
})
