import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { refuseConnection } from './refuse-connection.ts'

test('a client that is too slow and never ends its own half is hung up on', async () => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  onTestFinished(() => void client.destroy())
  const [connection] = (await once(server, 'connection')) as [Socket]
  let text = ''
  client.on('data', (chunk) => (text += chunk.toString()))
  const closed = once(connection, 'close')

  refuseConnection(
    Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }),
    connection,
  )

  await closed
  await expect.poll(() => text).toContain('REQUEST_TIMED_OUT')
  expect(text).toMatch(/^HTTP\/1\.1 408 /u)
})
