import { median } from '../statistics.ts'
import { run, type Load, type Sample } from './load.ts'

export interface Scenario {
  name: string
  /** What ours is measured against, in the same run. */
  baseline: { name: string; load: Load }
  ours: { name: string; load: Load }
}

export interface Result {
  scenario: string
  baseline: string
  ours: string
  rounds: number
  /** Medians over the rounds. */
  oursPerSecond: number
  baselinePerSecond: number
  oursCpuMicros: number
  baselineCpuMicros: number
  oursP99Ms: number
  /** Median of the rounds' own ratios: rate of ours / rate of the baseline. */
  rateRatio: number
  /** CPU a request of ours / of the baseline. */
  cpuRatio: number
  samples: { ours: Sample[]; baseline: Sample[] }
}

/** Rounds alternate between the two, so that what disturbs the machine disturbs both. */
export async function compare(
  { name, baseline, ours }: Scenario,
  rounds: number,
  onRound: (round: number) => void,
): Promise<Result> {
  const samples: Result['samples'] = { ours: [], baseline: [] }
  for (const side of [baseline, ours]) await run({ ...side.load, durationMs: 1000 })
  for (let round = 1; round <= rounds; round += 1) {
    onRound(round)
    samples.baseline.push(await run(baseline.load))
    samples.ours.push(await run(ours.load))
  }
  const refused = [...samples.ours, ...samples.baseline].reduce((sum, s) => sum + s.refused, 0)
  if (refused > 0)
    throw new Error(`${name}: ${refused} requests were refused; this measures nothing`)
  const ratios = (of: (sample: Sample) => number): number =>
    median(samples.ours.map((sample, i) => of(sample) / of(samples.baseline[i] ?? sample)))
  const pick = (side: Sample[], of: (sample: Sample) => number): number => median(side.map(of))
  return {
    scenario: name,
    baseline: baseline.name,
    ours: ours.name,
    rounds,
    oursPerSecond: pick(samples.ours, (s) => s.perSecond),
    baselinePerSecond: pick(samples.baseline, (s) => s.perSecond),
    oursCpuMicros: pick(samples.ours, (s) => s.cpuMicros),
    baselineCpuMicros: pick(samples.baseline, (s) => s.cpuMicros),
    oursP99Ms: pick(samples.ours, (s) => s.p99Ms),
    rateRatio: ratios((s) => s.perSecond),
    cpuRatio: ratios((s) => s.cpuMicros),
    samples,
  }
}
