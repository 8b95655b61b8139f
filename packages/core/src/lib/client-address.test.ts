import { createServer, request } from 'node:http'
import { once } from 'node:events'
import { fastify } from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { clientAddress } from './client-address.ts'

/** What a bare server and Fastify take for the client of one request from the loopback. */
async function both(trusted: string[] | false, forwarded: string): Promise<string[]> {
  const addressOf = clientAddress(trusted)
  const app = fastify({ trustProxy: trusted })
  app.get('/', async ({ ip }) => ip)
  const bare = createServer((incoming, response) => response.end(addressOf(incoming)))
  bare.listen(0, '127.0.0.1')
  await once(bare, 'listening')
  onTestFinished(() => void bare.close())
  onTestFinished(() => app.close())
  const address = bare.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const asked = request({ port, host: '127.0.0.1', headers: { 'x-forwarded-for': forwarded } })
  asked.end()
  const [answer] = await once(asked, 'response')
  let text = ''
  for await (const chunk of answer) text += String(chunk)
  const seen = await app.inject({ url: '/', headers: { 'x-forwarded-for': forwarded } })
  return [text, seen.body]
}

test.each<[string, string[] | false, string, string]>([
  ['nobody is trusted', false, '203.0.113.7', '127.0.0.1'],
  ['the proxy is trusted', ['127.0.0.0/8'], '203.0.113.7', '203.0.113.7'],
  ['a client forges the header', ['127.0.0.0/8'], '10.0.0.1, 203.0.113.7', '203.0.113.7'],
])('%s: the address is the one that Fastify finds', async (_case, trusted, forwarded, expected) => {
  const answers = await both(trusted, forwarded)

  expect(answers).toEqual([expected, expected])
})
