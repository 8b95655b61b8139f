import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { call } from '../../system/api.ts'
import { createManagedProcess, type ManagedProcess } from '../../system/managed-process.ts'
import { freePorts } from '../../system/ports.ts'
import { startPrivateSystem } from '../../system/private-system.ts'

export const KEY = { 'x-api-key': 'gateway-service-key' }
/** Changes in one request: the most that one transaction takes. */
const BATCH = 1000
const POLL_MS = 20

const entry = (name: string): string =>
  fileURLToPath(new URL(`../servers/${name}.js`, import.meta.url))

function helper(name: string, port: number): ManagedProcess {
  return createManagedProcess({
    // The names of services belong to the system; a helper only borrows the shape.
    service: {
      name: 'state',
      title: name,
      port,
      variable: 'PORT',
      entry: entry(name),
      env: {},
      readinessPath: '/',
    },
    env: { PATH: process.env['PATH'] },
  })
}

const change = (run: string, n: number) => ({
  op: 'create',
  entity: 'task',
  entityId: `bench_${run}_${n}`,
  status: 'created',
  metadata: { assignee: 'user_789', priority: 'high', title: 'Подготовить отчёт' },
})

/** A state service as it ships, a sink for its deliveries, and a bare sender to the same sink. */
export async function startSubjects() {
  const system = await startPrivateSystem({
    only: ['state'],
    env: { LOG_LEVEL: 'info', LOG_FORMAT: 'json', EXTERNAL_DB_URL: '' },
  })
  const [sinkPort = 0, senderPort = 0] = await freePorts(2)
  const sink = helper('sink', sinkPort)
  const sender = helper('bare-sender', senderPort)
  await Promise.all([sink.start(), sender.start()])
  const state = system.process('state')
  const webhooks = `${state.url}/api/v1/webhooks/subscriptions`

  async function expecting<T>(wanted: number, url: string, options: object): Promise<T> {
    const { status, body } = await call<T>(url, options)
    if (status !== wanted) throw new Error(`${url}: ${status} ${JSON.stringify(body)}`)
    return body
  }

  const of = {
    state,
    sink,
    sender,
    /** @returns the id */
    subscribe: async (path: string, settings: object = {}): Promise<string> => {
      const url = `${sink.url}${path}`
      const json = { url, events: ['entity.*'], secret: 'your-webhook-secret', ...settings }
      const options = { method: 'POST', headers: KEY, json }
      return (await expecting<{ id: string }>(201, webhooks, options)).id
    },
    unsubscribe: (id: string) =>
      expecting(204, `${webhooks}/${id}`, { method: 'DELETE', headers: KEY }),
    activate: (id: string, active: boolean) =>
      expecting(200, `${webhooks}/${id}`, { method: 'PATCH', headers: KEY, json: { active } }),
    /** Makes so many tasks, each of which is an event. */
    async publish(count: number): Promise<void> {
      const run = randomUUID().slice(0, 8)
      for (let n = 0; n < count; n += BATCH) {
        const operations = Array.from({ length: Math.min(BATCH, count - n) }, (_, i) =>
          change(run, n + i),
        )
        const json = { mode: 'atomic', operations }
        const options = { method: 'POST', headers: KEY, json }
        await expecting(200, `${state.url}/api/v1/states/batch`, options)
      }
    },
    reset: () => call(`${sink.url}/reset`, { method: 'POST' }),
    hang: (path: string) =>
      fetch(`${sink.url}/hang`, { method: 'POST', body: path }).then((answer) => answer.text()),
    /** How often each path was asked. */
    counts: async () => (await call<Record<string, number>>(`${sink.url}/counts`)).body,
    /** Milliseconds from the time in the body to its arrival, by path. */
    delays: async () => (await call<Record<string, number[]>>(`${sink.url}/delays`)).body,
    /** Waits until the sink has got so many. */
    async got(wanted: number): Promise<void> {
      for (let sum = 0; sum < wanted;) {
        await pause(POLL_MS)
        sum = Object.values(await of.counts()).reduce((all, one) => all + one, 0)
      }
    },
    async stop(): Promise<void> {
      await Promise.all([sink.end(), sender.end()])
      await system.stop()
    },
  }
  return of
}

export type Subjects = Awaited<ReturnType<typeof startSubjects>>
