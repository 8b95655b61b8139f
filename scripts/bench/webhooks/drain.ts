import { setTimeout as pause } from 'node:timers/promises'
import { median, rounded } from '../statistics.ts'
import type { BenchOptions, SuiteResult } from '../suite.ts'
import type { Subjects } from './subjects.ts'

const SUBSCRIPTIONS = 10
const SAMPLE_MS = 500
const SUM = /^webhook_claim_duration_seconds_sum (?<value>\S+)$/mu
const COUNT = /^webhook_claim_duration_seconds_count (?<value>\S+)$/mu
const CLAIMED = /^webhook_claimed_total (?<value>\S+)$/mu

interface Claims {
  seconds: number
  claims: number
  jobs: number
}

interface Sample {
  /** Deliveries still waiting. */
  left: number
  /** Milliseconds of a claim, and microseconds of a delivery taken up, in the time before. */
  claimMs: number
  perDeliveryMicros: number
}

async function claimsOf(state: string): Promise<Claims> {
  const text = await (await fetch(`${state}/metrics`)).text()
  const value = (pattern: RegExp): number => Number(pattern.exec(text)?.groups?.['value'] ?? 0)
  return { seconds: value(SUM), claims: value(COUNT), jobs: value(CLAIMED) }
}

const since = (before: Claims, now: Claims): Claims => ({
  seconds: now.seconds - before.seconds,
  claims: now.claims - before.claims,
  jobs: now.jobs - before.jobs,
})

function rowOf(samples: readonly Sample[], seconds: number) {
  const third = Math.max(1, Math.floor(samples.length / 3))
  const micros = (part: readonly Sample[]): number =>
    median(part.map((one) => one.perDeliveryMicros))
  const [first, last] = [micros(samples.slice(0, third)), micros(samples.slice(-third))]
  return {
    ours: `${Math.round(last)} µs to take one up, last third`,
    base: `${Math.round(first)} µs, first third`,
    ratio: rounded(last / first),
    baseline: `the backlog at its greatest; ${Math.round(seconds)} s in all`,
  }
}

/** A backlog is built up while its subscriptions are held, then let go: the cost of taking up must not follow its size. */
export async function drain(
  subjects: Subjects,
  { quick, progress }: BenchOptions,
): Promise<SuiteResult> {
  const deliveries = quick ? 5000 : 100_000
  const ids: string[] = []
  for (let n = 0; n < SUBSCRIPTIONS; n += 1) {
    ids.push(await subjects.subscribe(`/drain/${n}`, { maxInFlight: 32 }))
  }
  for (const id of ids) await subjects.activate(id, false)
  progress(`drain: building up ${deliveries}`)
  await subjects.publish(deliveries / SUBSCRIPTIONS)
  await subjects.reset()
  const startedAt = performance.now()
  for (const id of ids) await subjects.activate(id, true)
  const samples: Sample[] = []
  let before = await claimsOf(subjects.state.url)
  for (let left = deliveries; left > 0;) {
    await pause(SAMPLE_MS)
    const now = await claimsOf(subjects.state.url)
    const { seconds, claims, jobs } = since(before, now)
    const arrived = Object.values(await subjects.counts()).reduce((sum, one) => sum + one, 0)
    left = deliveries - arrived
    progress(`drain: ${left} of ${deliveries} left`)
    if (jobs === 0) continue
    before = now
    samples.push({
      left,
      claimMs: (seconds * 1000) / claims,
      perDeliveryMicros: (seconds * 1_000_000) / jobs,
    })
  }
  for (const id of ids) await subjects.unsubscribe(id)
  const seconds = (performance.now() - startedAt) / 1000
  return { table: { [`drain of ${deliveries}`]: rowOf(samples, seconds) }, samples }
}
