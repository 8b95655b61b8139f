import { rounded } from '../statistics.ts'
import type { BenchOptions, Suite, SuiteResult, Table } from '../suite.ts'
import { compareCache } from './cache.ts'
import { measureFaults } from './faults.ts'
import { compareLogins } from './login.ts'
import { profileGateway } from './profile.ts'
import { startEdge, type Edge } from './subjects.ts'
import { measureWays } from './ways.ts'

type Measurement = (edge: Edge, options: BenchOptions) => Promise<SuiteResult>

/** Whether the time of a refused login tells which names exist. */
const logins: Measurement = async (_edge, options) => {
  const rows = await compareLogins(options)
  const table = Object.fromEntries(
    rows.map(({ name, p50Ms, ofWrongPassword }) => [
      name,
      { 'p50 ms': rounded(p50Ms, 1), 'of a wrong password': rounded(ofWrongPassword, 3) },
    ]),
  )
  return { table, samples: rows }
}

const MEASUREMENTS: Record<string, Measurement> = {
  ways: measureWays,
  cache: compareCache,
  redis: measureFaults,
  login: logins,
  profile: profileGateway,
}

/**
 * The gateway beside other ways to the same upstream: what it costs and adds, what kept answers save, what it is like to
 * lose Redis, what refused logins give away, and where the time goes.
 */
export const benchEdge: Suite = async (options) => {
  const { only } = options
  const wanted = Object.entries(MEASUREMENTS).filter(
    ([name]) => only === undefined || name.includes(only),
  )
  if (wanted.length === 0) return undefined
  const tables: Record<string, Table> = {}
  const samples: Record<string, unknown> = {}
  const edge = await startEdge()
  try {
    for (const [name, measure] of wanted) {
      const result = await measure(edge, options)
      tables[name] = result.table
      samples[name] = result.samples
    }
  } finally {
    await edge.stop()
  }
  return { table: Object.assign({}, ...Object.values(tables)) as Table, tables, samples }
}
