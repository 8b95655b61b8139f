/**
 * `npm run bench`: ours and its baseline in the same run, alternating rounds, medians, JSON.
 * Numbers of one machine say little; the ratios are what counts.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { backlog } from './backlog.ts'
import { compare, type Result } from './compare.ts'
import { startSubjects } from './subjects.ts'
import { scenarios } from './scenarios.ts'

const quick = process.argv.includes('--quick')
const rounds = quick ? 1 : 5
const durationMs = quick ? 1000 : 4000
const only = process.argv
  .find((argument) => argument.startsWith('--only='))
  ?.slice('--only='.length)

const claims = only === undefined || only === 'backlog' ? await backlog(quick ? 20 : 100) : []
const subjects = await startSubjects()
const results: Result[] = []
try {
  for (const scenario of scenarios(subjects, durationMs)) {
    if (only !== undefined && !scenario.name.includes(only)) continue
    const result = await compare(scenario, rounds, (round) => {
      process.stderr.write(`${scenario.name}: round ${round}/${rounds}   \r`)
    })
    process.stderr.write(`${' '.repeat(60)}\r`)
    results.push(result)
  }
} finally {
  await subjects.stop()
}

console.table(
  Object.fromEntries(
    results.map((r) => [
      r.scenario,
      {
        'ours /s': Math.round(r.oursPerSecond),
        'base /s': Math.round(r.baselinePerSecond),
        'rate ratio': Number(r.rateRatio.toFixed(2)),
        'ours µs CPU': Math.round(r.oursCpuMicros),
        'base µs CPU': Math.round(r.baselineCpuMicros),
        'CPU ratio': Number(r.cpuRatio.toFixed(2)),
        'ours p99 ms': Number(r.oursP99Ms.toFixed(1)),
        baseline: r.baseline,
      },
    ]),
  ),
)
if (claims.length > 0) console.table(claims)
const file = `bench-results/${new Date().toISOString().replaceAll(':', '-')}.json`
await mkdir('bench-results', { recursive: true })
const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length }
await writeFile(
  file,
  `${JSON.stringify({ machine, rounds, durationMs, results, claims }, null, 2)}\n`,
)
console.log(`Written: ${file}`)
