import type { LookupAddress } from 'node:dns'
import type { lookup } from 'node:dns'
import { expect, onTestFinished, test } from 'vitest'
import { startReceiver } from '../testing/receiver.ts'
import { createConnections } from './connections.ts'
import { OurFault, Sender } from './sender.ts'
import { createTargetGuard } from './target-guard.ts'

/** A resolver that tells what it is told to tell, and counts how often it is asked. */
function resolver(...answers: LookupAddress[][]) {
  const asked: string[] = []
  const resolve = ((hostname: string, _options: object, done: (...told: unknown[]) => void) => {
    asked.push(hostname)
    done(null, answers[Math.min(asked.length, answers.length) - 1])
  }) as unknown as typeof lookup
  return { resolve, asked }
}

const v4 = (address: string): LookupAddress => ({ address, family: 4 })

function createSender(options: { allowed?: string; resolve?: typeof lookup }) {
  const guard = createTargetGuard({ allowed: options.allowed, production: true })
  const connections = createConnections({
    guard,
    connectTimeoutMs: 2000,
    ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
  })
  onTestFinished(() => connections.close())
  return { connections, sender: new Sender(connections, 65_536) }
}

const REQUEST = { headers: {}, body: Buffer.from('{}') }

function to(url: string) {
  const { origin, pathname: path } = new URL(url)
  return { target: { origin, path }, timeoutMs: 2000 }
}

const send = (url: string, options: Parameters<typeof createSender>[0] = {}) =>
  createSender(options).sender.send(REQUEST, to(url))

const portOf = (url: string): string => new URL(url).port

test('a name that leads to a public and to a private address is not connected to at all', async () => {
  const receiver = await startReceiver()
  const { resolve } = resolver([v4('93.184.216.34'), v4('127.0.0.1')])

  const reply = await send(`http://hooks.example:${portOf(receiver.url)}/`, { resolve })

  expect(reply).toMatchObject({
    refused: true,
    error:
      'hooks.example leads to 127.0.0.1, which is not public and not in WEBHOOK_ALLOWED_TARGETS',
  })
  expect(receiver.receipts).toEqual([])
})

test('a name is judged by the answer that is connected to, not by an earlier one', async () => {
  const receiver = await startReceiver()
  const { resolve, asked } = resolver([v4('127.0.0.1')], [v4('127.0.0.1')])
  const allowed = '127.0.0.0/8'
  const url = `http://rebinding.example:${portOf(receiver.url)}/`

  expect((await send(url, { resolve, allowed })).responseStatus).toBe(200)
  expect((await send(url, { resolve })).refused).toBe(true)

  expect(asked).toEqual(['rebinding.example', 'rebinding.example'])
  expect(receiver.receipts).toHaveLength(1)
})

test.each([
  'http://127.0.0.1',
  'http://127.1',
  'http://2130706433',
  'http://0x7f.1',
  'http://0177.0.0.1',
  'http://[::ffff:127.0.0.1]',
])('%s is refused at the connection too, where no name is looked up', async (origin) => {
  const receiver = await startReceiver()
  const { resolve, asked } = resolver([v4('93.184.216.34')])

  const reply = await send(`${origin}:${portOf(receiver.url)}/`, { resolve })

  expect(reply.refused).toBe(true)
  expect(asked).toEqual([])
  expect(receiver.receipts).toEqual([])
})

test('an opened origin is reached whatever it resolves to, another port of the same host is not', async () => {
  const [opened, closed] = [await startReceiver(), await startReceiver()]
  const { resolve } = resolver([v4('127.0.0.1')])
  const allowed = `http://gateway:${portOf(opened.url)}`

  const good = await send(`http://gateway:${portOf(opened.url)}/`, { resolve, allowed })
  const bad = await send(`http://gateway:${portOf(closed.url)}/`, { resolve, allowed })

  expect(good.responseStatus).toBe(200)
  expect(bad.refused).toBe(true)
  expect(closed.receipts).toEqual([])
})

test('an endpoint that is not there is told by its error, and is no fault of ours', async () => {
  const receiver = await startReceiver()
  const { url } = receiver
  await receiver.close()

  const reply = await send(url, { allowed: '127.0.0.0/8' })

  expect(reply.error).toMatch(/ECONNREFUSED/u)
  expect(reply.refused).toBeUndefined()
})

test('a name that nobody knows is told by its error', async () => {
  const resolve = ((hostname: string, _options: object, done: (error: Error) => void) => {
    done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' }))
  }) as unknown as typeof lookup

  expect((await send('http://nowhere.example/', { resolve })).error).toBe(
    'getaddrinfo ENOTFOUND nowhere.example',
  )
})

test('an attempt that is under way when the connections are closed is a fault of ours, and so is a later one', async () => {
  const { connections, sender } = createSender({ allowed: '127.0.0.0/8' })
  const receiver = await startReceiver(() => void connections.close())

  await expect(sender.send(REQUEST, to(receiver.url))).rejects.toThrow(OurFault)
  await expect(sender.send(REQUEST, to(receiver.url))).rejects.toThrow(OurFault)

  expect(receiver.receipts).toHaveLength(1)
})
