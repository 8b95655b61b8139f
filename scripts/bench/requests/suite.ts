import { rounded } from '../statistics.ts'
import type { Suite } from '../suite.ts'
import { compare, type Result } from './compare.ts'
import { scenarios } from './scenarios.ts'
import { startSubjects } from './subjects.ts'

const row = (result: Result) => ({
  'ours /s': Math.round(result.oursPerSecond),
  'base /s': Math.round(result.baselinePerSecond),
  'rate ratio': rounded(result.rateRatio),
  'ours µs CPU': Math.round(result.oursCpuMicros),
  'base µs CPU': Math.round(result.baselineCpuMicros),
  'CPU ratio': rounded(result.cpuRatio),
  'ours p99 ms': rounded(result.oursP99Ms, 1),
  baseline: result.baseline,
})

/** Requests of many clients at once, each scenario beside its baseline. */
export const benchRequests: Suite = async ({ rounds, durationMs, only, progress }) => {
  const subjects = await startSubjects()
  const samples: Result[] = []
  try {
    for (const scenario of scenarios(subjects, durationMs)) {
      if (only !== undefined && !scenario.name.includes(only)) continue
      const onRound = (round: number): void =>
        progress(`${scenario.name}: round ${round}/${rounds}`)
      samples.push(await compare(scenario, rounds, onRound))
    }
  } finally {
    await subjects.stop()
  }
  if (samples.length === 0) return undefined
  return {
    samples,
    table: Object.fromEntries(samples.map((result) => [result.scenario, row(result)])),
  }
}
