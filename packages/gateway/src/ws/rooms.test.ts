import { expect, test } from 'vitest'
import { startGateway } from '../testing/gateway.ts'
import { openSocket, tokenOf } from '../testing/sockets.ts'
import { startStateService } from '../testing/state-service.ts'

async function start() {
  const state = await startStateService()
  const gateway = await startGateway({ STATE_SERVICE_URL: state.url })
  const open = async (name: 'member' | 'manager') =>
    openSocket(gateway.url, { token: tokenOf(await gateway.as(name)) })
  return { state, open }
}

test('a message reaches everybody in the room, its writer too, and nobody else', async () => {
  const { open } = await start()
  const [writer, reader, outsider] = [
    await open('member'),
    await open('manager'),
    await open('manager'),
  ]
  await writer.subscribe('room:123')
  await reader.subscribe('room:123')
  await outsider.subscribe('room:124')

  const answer = await writer.socket.emitWithAck('message', { text: 'Привет!', roomId: '123' })

  const message = {
    roomId: '123',
    from: 'member',
    text: 'Привет!',
    timestamp: expect.stringMatching(/Z$/u) as string,
  }
  expect(answer).toEqual({ ok: true })
  await expect.poll(() => reader.messages).toEqual([message])
  await expect.poll(() => writer.messages).toEqual([message])
  expect(outsider.messages).toEqual([])
})

test('whoever is logged in may write to a room, and hears it only inside', async () => {
  const { open } = await start()
  const [writer, reader] = [await open('member'), await open('manager')]
  await reader.subscribe('room:r1')
  const write = (text: string) => writer.socket.emitWithAck('message', { text, roomId: 'r1' })

  await write('from outside')
  await writer.subscribe('room:r1')
  await write('from inside')
  await writer.socket.emitWithAck('unsubscribe', { channel: 'room:r1' })
  await write('after leaving')

  const texts = (messages: typeof reader.messages) => messages.map(({ text }) => text)
  await expect
    .poll(() => texts(reader.messages))
    .toEqual(['from outside', 'from inside', 'after leaving'])
  expect(texts(writer.messages)).toEqual(['from inside'])
})

test('a message has at most 4000 characters, and there are ten a second', async () => {
  const { open } = await start()
  const client = await open('member')
  await client.subscribe('room:r1')
  const write = (text: string) => client.socket.emitWithAck('message', { text, roomId: 'r1' })

  expect(await write('я'.repeat(4000))).toEqual({ ok: true })
  expect(await write('я'.repeat(4001))).toMatchObject({ error: { code: 'WS_PAYLOAD_INVALID' } })
  expect(await write('')).toMatchObject({ error: { code: 'WS_PAYLOAD_INVALID' } })
  const answers = await Promise.all(Array.from({ length: 20 }, () => write('a')))

  expect(answers.filter(({ ok }) => ok).length).toBeLessThanOrEqual(11)
  expect(answers.at(-1)).toMatchObject({ ok: false, error: { code: 'WS_TOO_MANY_EVENTS' } })
})

test('a cursor means nothing in a room: messages are not kept', async () => {
  const { open } = await start()
  const client = await open('member')

  expect(await client.subscribe('room:r1', 'e1.1')).toMatchObject({ ok: true, recovered: false })
})
