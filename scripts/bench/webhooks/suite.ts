import type { BenchOptions, Suite, SuiteResult, Table } from '../suite.ts'
import { drain } from './drain.ts'
import { isolation, latency } from './latency.ts'
import { startSubjects, type Subjects } from './subjects.ts'
import { throughput } from './throughput.ts'

type Measurement = (subjects: Subjects, options: BenchOptions) => Promise<SuiteResult>

const MEASUREMENTS: Record<string, Measurement> = { throughput, latency, isolation, drain }

/** Deliveries of a state service as it ships, each measurement beside what it is held against. */
export const benchWebhooks: Suite = async (options) => {
  const { only } = options
  const wanted = Object.entries(MEASUREMENTS).filter(
    ([name]) => only === undefined || name.includes(only),
  )
  if (wanted.length === 0) return undefined
  const table: Table = {}
  const samples: Record<string, unknown> = {}
  const subjects = await startSubjects()
  try {
    for (const [name, measure] of wanted) {
      const result = await measure(subjects, options)
      Object.assign(table, result.table)
      samples[name] = result.samples
    }
  } finally {
    await subjects.stop()
  }
  return { table, samples }
}
