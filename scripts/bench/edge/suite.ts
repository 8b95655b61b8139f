import type { BenchOptions, Suite, SuiteResult } from '../suite.ts'
import { compareLogins } from './login.ts'
import { startEdge } from './subjects.ts'
import { compareWays } from './ways.ts'

type Scenario = (options: BenchOptions) => Promise<SuiteResult>

/** The gateway beside other ways to the same upstream: what it costs, and what it adds while it is not busy. */
const ways: Scenario = async ({ rounds, durationMs, progress }) => {
  const edge = await startEdge()
  try {
    const rows = await compareWays(edge, { rounds, durationMs, progress })
    const table = Object.fromEntries(
      rows.map((row) => [
        row.name,
        {
          '/s': Math.round(row.perSecond),
          'µs CPU': Math.round(row.cpuMicros),
          'of bare': Number(row.ofBare.toFixed(2)),
          'of http-proxy': Number(row.ofHttpProxy.toFixed(2)),
          'p50 ms at 30 %': Number(row.p50Ms.toFixed(2)),
          'p99 ms at 30 %': Number(row.p99Ms.toFixed(2)),
        },
      ]),
    )
    return { table, samples: rows }
  } finally {
    await edge.stop()
  }
}

/** Whether the time of a refused login tells which names exist. */
const logins: Scenario = async (options) => {
  const rows = await compareLogins(options)
  const table = Object.fromEntries(
    rows.map(({ name, p50Ms, ofWrongPassword }) => [
      name,
      {
        'p50 ms': Number(p50Ms.toFixed(1)),
        'of a wrong password': Number(ofWrongPassword.toFixed(3)),
      },
    ]),
  )
  return { table, samples: rows }
}

const SCENARIOS: Record<string, Scenario> = { edge: ways, login: logins }

/** What the gateway costs, and what it gives away. */
export const benchEdge: Suite = async (options) => {
  const results: SuiteResult[] = []
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    if (options.only === undefined || name.includes(options.only)) {
      results.push(await scenario(options))
    }
  }
  if (results.length === 0) return undefined
  return {
    table: Object.assign({}, ...results.map(({ table }) => table)) as SuiteResult['table'],
    samples: results.flatMap(({ samples }) => samples),
  }
}
