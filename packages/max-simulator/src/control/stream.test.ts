import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startSimulator, type RunningSimulator } from '../testing/simulator.ts'

const ANNA = 501_001_001

let simulator: RunningSimulator

beforeEach(async () => {
  simulator = await startSimulator({ bounds: { streams: 1 } })
})
afterEach(() => simulator.app.close())

interface Watch {
  text(): string
  /** The data of every event of that name so far. */
  events(name: string): unknown[]
  stop(): void
}

async function watch(): Promise<Watch> {
  const stop = new AbortController()
  const response = await fetch(`${simulator.url}/control/stream`, { signal: stop.signal })
  let text = ''
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
  })()
  reading.catch(() => undefined)
  return {
    text: () => text,
    events: (name) =>
      [...text.matchAll(/^event: (.*)\ndata: (.*)\n\n/gmu)]
        .filter(([, event]) => event === name)
        .map(([, , data]): unknown => JSON.parse(data ?? '')),
    stop: () => stop.abort(),
  }
}

test('everything comes at once, then every change, the texts escaped', async () => {
  const { platform } = simulator
  platform.dialogs.start(ANNA)
  platform.writing.write(ANNA, { text: '<img src=x onerror=alert(1)>' })
  const seen = await watch()
  await vi.waitFor(() => expect(seen.events('snapshot')).toHaveLength(1))
  expect(seen.events('snapshot')[0]).toMatchObject({
    connection: { mode: 'none', bot: { name: 'Поток' } },
    people: [{ userId: ANNA, dialog: 'active' }, { dialog: 'none' }],
    messages: [{ html: '&lt;img src=x onerror=alert(1)&gt;', sender: { userId: ANNA } }],
  })
  const sent = platform.sending.send(
    { userId: ANNA, preview: false },
    { text: '**жирно** <b>', format: 'markdown' },
  )
  platform.sending.edit(sent.mid, { text: 'иначе' })
  platform.sending.remove(sent.mid)
  platform.subscriptions.add({ url: 'https://127.0.0.1:1/hook' })
  platform.changes.tell({ kind: 'connection' })
  platform.changes.tell({ kind: 'connection' })
  platform.dialogs.clear(ANNA)
  await vi.waitFor(() => expect(seen.events('history-cleared')).toHaveLength(1))
  expect(seen.events('message')).toMatchObject([
    { html: '<strong>жирно</strong> &lt;b&gt;', mid: sent.mid },
    { html: 'иначе', editedAt: expect.any(Number) },
  ])
  expect(seen.events('message-removed')).toMatchObject([{ mid: sent.mid }])
  // Told twice, sent once; then the push of the last event fails and that is news.
  expect(seen.events('connection')[0]).toMatchObject({ mode: 'webhook', failing: [] })
  await vi.waitFor(() => expect(seen.events('connection')).toHaveLength(2))
  expect(seen.events('connection')[1]).toMatchObject({ failing: ['https://127.0.0.1:1/hook'] })
  platform.reset()
  await vi.waitFor(() => expect(seen.events('snapshot')).toHaveLength(2))
  seen.stop()
})

test('watchers are counted, and one that leaves makes room', async () => {
  const first = await watch()
  await vi.waitFor(() => expect(first.text()).not.toBe(''))
  expect((await simulator.call('GET', '/control/stream')).status).toBe(409)
  first.stop()
  await vi.waitFor(async () => {
    const second = await watch()
    await vi.waitFor(() => expect(second.events('snapshot')).toHaveLength(1))
    second.stop()
  })
})

test('an open stream does not keep the simulator from closing', async () => {
  const seen = await watch()
  await vi.waitFor(() => expect(seen.events('snapshot')).toHaveLength(1))
  await simulator.app.close()
  await expect(fetch(simulator.url)).rejects.toThrow('fetch failed')
})
