/**
 * Baseline of deliveries: bare undici.request with one HMAC over connections kept alive. `POST /` with
 * `{url, body, count, concurrency}` sends so many and answers when the last was answered.
 */
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import { Agent, request } from 'undici'

interface Order {
  url: string
  body: string
  count: number
  concurrency: number
}

const SECRET = 'your-webhook-secret'
const dispatcher = new Agent({ pipelining: 1 })

async function send({ url, body, count, concurrency }: Order): Promise<void> {
  let left = count
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const signature = createHmac('sha256', SECRET).update(body).digest('hex')
      const answer = await request(url, {
        method: 'POST',
        dispatcher,
        headers: {
          'content-type': 'application/json',
          'x-webhook-signature': `sha256=${signature}`,
        },
        body,
      })
      await answer.body.dump()
      if (answer.statusCode !== 200) throw new Error(`The sink answered ${answer.statusCode}`)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
}

const server = createServer((request_, response) => {
  const chunks: Buffer[] = []
  request_.on('data', (chunk: Buffer) => chunks.push(chunk))
  request_.on('end', () => {
    if (request_.method !== 'POST') return response.end('{}')
    const order = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Order
    send(order).then(
      () => response.end('{}'),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
    return undefined
  })
})
server.listen(Number(process.env['PORT']), '127.0.0.1')
