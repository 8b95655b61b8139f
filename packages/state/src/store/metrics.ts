import type { Database } from '@potok/core/database'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** The same database, with its writes counted and timed. */
export function measured<Tables>(database: Database<Tables>, registry: Registry): Database<Tables> {
  const duration = new Histogram({
    name: 'store_write_duration_seconds',
    help: 'Writes from their request to their commit, with the wait for their turn',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  })
  const stats = [
    new Counter({
      name: 'store_commits_total',
      help: 'Transactions committed; on SQLite several writes share one',
      registers: [],
      collect() {
        this.reset()
        this.inc(database.stats().commits)
      },
    }),
    new Counter({
      name: 'store_writes_total',
      help: 'Writes acknowledged; changes that share a transaction of PostgreSQL are one',
      registers: [],
      collect() {
        this.reset()
        this.inc(database.stats().writes)
      },
    }),
    new Gauge({
      name: 'store_writes_waiting',
      help: 'Writes that wait for their turn or for a connection',
      registers: [],
      collect() {
        this.set(database.stats().waiting)
      },
    }),
  ]
  for (const metric of stats) registry.registerMetric(metric)
  return {
    ...database,
    async write(work, options) {
      const end = duration.startTimer()
      try {
        return await database.write(work, options)
      } finally {
        end()
      }
    },
  }
}
