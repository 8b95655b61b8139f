/**
 * `npm run bench`: ours and its baseline in the same run, alternating rounds, medians, JSON.
 * Numbers of one machine say little; the ratios are what counts.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { writeFigures } from './document.ts'
import { benchEdge } from './edge/suite.ts'
import { benchQueue } from './queue/suite.ts'
import { benchRequests } from './requests/suite.ts'
import { benchSockets } from './sockets/suite.ts'
import { benchState } from './state/suite.ts'
import type { BenchOptions, Suite } from './suite.ts'
import { benchWebhooks } from './webhooks/suite.ts'

const SUITES: Record<string, Suite> = {
  edge: benchEdge,
  queue: benchQueue,
  requests: benchRequests,
  sockets: benchSockets,
  state: benchState,
  webhooks: benchWebhooks,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    document: { type: 'boolean', default: false },
  },
})
const unknown = positionals.filter((name) => !(name in SUITES))
if (unknown.length > 0) {
  console.error(
    `npm run bench -- [${Object.keys(SUITES).join('|')} …] [--quick] [--only=part of a name] [--document]`,
  )
  process.exit(1)
}

const options: BenchOptions = {
  quick: values.quick,
  rounds: values.quick ? 1 : 5,
  durationMs: values.quick ? 1000 : 4000,
  only: values.only,
  progress: (line) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${line.padEnd(79).slice(0, 79)}`)
  },
}

// Each process that is started is ended when this one ends, however that comes.
process.setMaxListeners(64)

/** What the figures of a page were measured on. */
function circumstances(): string {
  const { node, cpu, cores } = machine
  const { rounds, durationMs } = options
  const load = (loadavg()[0] ?? 0).toFixed(1)
  return `Medians of rounds (${rounds}) of ${durationMs / 1000} s; Node ${node}, ${cores} cores (${cpu}), load ${load} at the end.`
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length }
const samples: Record<string, unknown> = {}
for (const [name, suite] of Object.entries(SUITES)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  const result = await suite(options)
  options.progress('')
  if (result === undefined) continue
  samples[name] = result.samples
  const { tables = { [name]: result.table } } = result
  for (const [part, table] of Object.entries(tables)) {
    console.log(`\n${part === name ? name : `${name}: ${part}`}`)
    console.table(table)
  }
  if (values.document) await writeFigures(name, tables, circumstances())
}
if (Object.keys(samples).length === 0) {
  console.error(`Nothing has "${values.only}" in its name`)
  process.exit(1)
}

const file = `bench-results/${new Date().toISOString().replaceAll(':', '-')}.json`
await mkdir('bench-results', { recursive: true })
const { rounds, durationMs } = options
await writeFile(file, `${JSON.stringify({ machine, rounds, durationMs, samples }, null, 2)}\n`)
console.log(`Written: ${file}`)
