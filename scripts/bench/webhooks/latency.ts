import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'undici'
import { median, quantile, rounded } from '../statistics.ts'
import type { BenchOptions, SuiteResult } from '../suite.ts'
import { KEY, type Subjects } from './subjects.ts'

const CONNECTIONS = 32
const PER_SECOND = 200
const ISOLATION_PER_SECOND = 20
const SUBSCRIPTIONS = 10
/** Of the endpoint that hangs; a subscription may say so itself. */
const HANG_MS = 2000

interface Delay {
  p50Ms: number
  p99Ms: number
}

function delayOf(values: readonly number[]): Delay {
  const sorted = values.toSorted((a, b) => a - b)
  return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) }
}

const middle = (delays: readonly Delay[]): Delay => ({
  p50Ms: median(delays.map(({ p50Ms }) => p50Ms)),
  p99Ms: median(delays.map(({ p99Ms }) => p99Ms)),
})

const shown = ({ p50Ms, p99Ms }: Delay): string =>
  `p50 ${rounded(p50Ms, 1)}, p99 ${rounded(p99Ms, 1)} ms`

/** Sends so many requests a second whatever becomes of them; resolves when all were answered. */
async function openLoop(
  origin: string,
  perSecond: number,
  durationMs: number,
  body: () => { path: string; json: object },
): Promise<number> {
  const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1 })
  const sent: Promise<void>[] = []
  const send = async (): Promise<void> => {
    const { path, json } = body()
    const answer = await pool.request({
      method: 'POST',
      path,
      headers: { ...KEY, 'content-type': 'application/json' },
      body: JSON.stringify(json),
    })
    await answer.body.dump()
    if (answer.statusCode >= 300) throw new Error(`${path}: ${answer.statusCode}`)
  }
  const startedAt = performance.now()
  const count = Math.floor((durationMs * perSecond) / 1000)
  for (let n = 0; n < count; n += 1) {
    const wait = startedAt + (n * 1000) / perSecond - performance.now()
    if (wait > 1) await pause(wait)
    sent.push(send())
  }
  await Promise.all(sent)
  await pool.close()
  return count
}

const changes = (subjects: Subjects, perSecond: number, durationMs: number): Promise<number> =>
  openLoop(subjects.state.url, perSecond, durationMs, () => ({
    path: '/api/v1/states/task',
    json: {
      entityId: `bench_${randomUUID()}`,
      status: 'created',
      metadata: { assignee: 'user_789', priority: 'high', title: 'Подготовить отчёт' },
    },
  }))

/** From the time that the event carries, which is before its commit, to its arrival; beside a bare POST. */
export async function latency(
  subjects: Subjects,
  { rounds, durationMs, progress }: BenchOptions,
): Promise<SuiteResult> {
  const id = await subjects.subscribe('/latency')
  const measured: { ours: Delay; base: Delay }[] = []
  for (let round = 1; round <= rounds; round += 1) {
    progress(`latency: round ${round}/${rounds}`)
    await subjects.reset()
    const bare = (): { path: string; json: object } => ({
      path: '/bare',
      json: { timestamp: new Date().toISOString(), pad: 'x'.repeat(500) },
    })
    await subjects.got(await openLoop(subjects.sink.url, PER_SECOND, durationMs, bare))
    const base = delayOf((await subjects.delays())['/bare'] ?? [])
    await subjects.reset()
    await subjects.got(await changes(subjects, PER_SECOND, durationMs))
    measured.push({ base, ours: delayOf((await subjects.delays())['/latency'] ?? []) })
  }
  await subjects.unsubscribe(id)
  const ours = middle(measured.map((round) => round.ours))
  const base = middle(measured.map((round) => round.base))
  const row = {
    ours: shown(ours),
    base: shown(base),
    ratio: rounded(ours.p99Ms / base.p99Ms),
    baseline: 'a bare POST to the same sink',
  }
  return { table: { [`latency at ${PER_SECOND} events/s`]: row }, samples: measured }
}

async function nine(subjects: Subjects, durationMs: number, hangs: boolean): Promise<Delay> {
  const ids: string[] = []
  for (let n = 0; n < SUBSCRIPTIONS; n += 1) {
    ids.push(await subjects.subscribe(`/isolation/${n}`, { timeoutMs: HANG_MS }))
  }
  await subjects.hang(hangs ? '/isolation/0' : '')
  await subjects.reset()
  const count = await changes(subjects, ISOLATION_PER_SECOND, durationMs)
  await subjects.got(count * (hangs ? SUBSCRIPTIONS - 1 : SUBSCRIPTIONS))
  const delays = Object.entries(await subjects.delays())
  await subjects.hang('')
  for (const id of ids) await subjects.unsubscribe(id)
  return delayOf(delays.flatMap(([path, values]) => (path === '/isolation/0' ? [] : values)))
}

/** Ten subscriptions, one of which hangs to its time-out: what the other nine notice of it. */
export async function isolation(
  subjects: Subjects,
  { rounds, durationMs, progress }: BenchOptions,
): Promise<SuiteResult> {
  const measured: { calm: Delay; hanging: Delay }[] = []
  // Longer than the time-out, so that the first attempts end within it.
  const lasts = Math.max(durationMs * 2, HANG_MS * 2)
  for (let round = 1; round <= rounds; round += 1) {
    progress(`isolation: round ${round}/${rounds}`)
    const calm = await nine(subjects, lasts, false)
    measured.push({ calm, hanging: await nine(subjects, lasts, true) })
  }
  const row = {
    ours: shown(middle(measured.map(({ hanging }) => hanging))),
    base: shown(middle(measured.map(({ calm }) => calm))),
    ratio: rounded(median(measured.map(({ calm, hanging }) => hanging.p99Ms / calm.p99Ms))),
    baseline: 'the same nine with none that hangs',
  }
  return { table: { 'isolation, nine beside one that hangs': row }, samples: measured }
}
