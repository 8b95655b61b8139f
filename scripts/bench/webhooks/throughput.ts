import { setTimeout as pause } from 'node:timers/promises'
import { cpuMicrosOf } from '../requests/load.ts'
import { median, rounded } from '../statistics.ts'
import type { BenchOptions, SuiteResult } from '../suite.ts'
import type { Subjects } from './subjects.ts'

/** Under way at once, of both sides. */
const IN_FLIGHT = 64
/** What is settled after the last arrival belongs to the delivery as well. */
const SETTLE_MS = 300

/** An event as long as those that are delivered. */
const BODY = JSON.stringify({
  id: 'evt_0193aabbccddeeff00112233445566',
  event: 'entity.created',
  timestamp: '2025-11-10T10:00:00.000Z',
  data: {
    entity: 'task',
    id: 'bench_0123abcd_1234',
    previousStatus: null,
    newStatus: 'created',
    metadata: { assignee: 'user_789', priority: 'high', title: 'Подготовить отчёт' },
    version: 1,
    actor: 'service:gateway',
    reason: null,
    correlationId: '01234567-0123-0123-0123-0123456789ab',
  },
  signature: `sha256=${'0'.repeat(64)}`,
})

interface Throughput {
  name: string
  deliveries: number
  /** Medians over the rounds: CPU of the process, microseconds a delivery. */
  oursCpuMicros: number
  baseCpuMicros: number
  /** What of ours is the change itself, which costs as much where nobody subscribes. */
  changeCpuMicros: number
  /** Deliveries of a CPU-second of ours / of the baseline; median of the rounds' own ratios. */
  ratio: number
  perSecond: number
  rounds: { ours: number; base: number; perSecond: number }[]
}

async function bare({ sender, sink }: Subjects, count: number): Promise<number> {
  const before = cpuMicrosOf(sender.pid)
  const answer = await fetch(sender.url, {
    method: 'POST',
    body: JSON.stringify({ url: `${sink.url}/bare`, body: BODY, count, concurrency: IN_FLIGHT }),
  })
  if (!answer.ok) throw new Error(await answer.text())
  return (cpuMicrosOf(sender.pid) - before) / count
}

/** CPU of a change that nobody subscribes to, microseconds. */
async function unheard(subjects: Subjects, events: number, rounds: number) {
  const measured: number[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const before = cpuMicrosOf(subjects.state.pid)
    await subjects.publish(events)
    await pause(SETTLE_MS)
    if (round > 0) measured.push((cpuMicrosOf(subjects.state.pid) - before) / events)
  }
  return median(measured)
}

/**
 * CPU of a delivery, from the request that makes the change to the line in the delivery log, all commits included,
 * beside a bare `undici.request` with an HMAC.
 */
async function fanOut(
  subjects: Subjects,
  subscriptions: number,
  { quick, rounds, progress }: BenchOptions,
): Promise<Throughput> {
  const events = (quick ? 1000 : 10_000) / subscriptions
  const deliveries = events * subscriptions
  const maxInFlight = Math.ceil(IN_FLIGHT / subscriptions)
  const name = `throughput, ${subscriptions} subscription${subscriptions === 1 ? '' : 's'}`
  progress(`${name}: changes without subscriptions`)
  const changeCpuMicros = (await unheard(subjects, events, rounds)) / subscriptions
  const ids: string[] = []
  for (let n = 0; n < subscriptions; n += 1) {
    ids.push(await subjects.subscribe(`/fan/${n}`, { maxInFlight }))
  }
  const measured: Throughput['rounds'] = []
  for (let round = 0; round <= rounds; round += 1) {
    progress(`${name}: round ${round}/${rounds}`)
    const base = await bare(subjects, deliveries)
    await subjects.reset()
    const before = cpuMicrosOf(subjects.state.pid)
    const startedAt = performance.now()
    await subjects.publish(events)
    await subjects.got(deliveries)
    const perSecond = (deliveries * 1000) / (performance.now() - startedAt)
    await pause(SETTLE_MS)
    const ours = (cpuMicrosOf(subjects.state.pid) - before) / deliveries
    // The first round warms both up.
    if (round > 0) measured.push({ ours, base, perSecond })
  }
  for (const id of ids) await subjects.unsubscribe(id)
  return {
    name,
    deliveries,
    oursCpuMicros: median(measured.map(({ ours }) => ours)),
    baseCpuMicros: median(measured.map(({ base }) => base)),
    changeCpuMicros,
    ratio: median(measured.map(({ ours, base }) => base / ours)),
    perSecond: median(measured.map(({ perSecond }) => perSecond)),
    rounds: measured,
  }
}

const rowOf = (name: string, micros: number, { baseCpuMicros }: Throughput) =>
  [
    name,
    {
      ours: `${Math.round(micros)} µs CPU`,
      base: `${Math.round(baseCpuMicros)} µs CPU`,
      ratio: rounded(baseCpuMicros / micros),
      baseline: 'undici.request + HMAC; ratio of deliveries per CPU-second',
    },
  ] as const

export async function throughput(subjects: Subjects, options: BenchOptions): Promise<SuiteResult> {
  const samples = [await fanOut(subjects, 10, options), await fanOut(subjects, 1, options)]
  const rows = samples.flatMap((one) => [
    rowOf(one.name, one.oursCpuMicros, one),
    rowOf(`${one.name}, without the change`, one.oursCpuMicros - one.changeCpuMicros, one),
  ])
  return { table: Object.fromEntries(rows), samples }
}
