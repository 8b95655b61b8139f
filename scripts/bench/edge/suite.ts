import type { Suite } from '../suite.ts'
import { startEdge } from './subjects.ts'
import { compareWays } from './ways.ts'

/** The gateway beside other ways to the same upstream: what it costs, and what it adds while it is not busy. */
export const benchEdge: Suite = async ({ rounds, durationMs, only, progress }) => {
  if (only !== undefined && !'edge'.includes(only)) return undefined
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
