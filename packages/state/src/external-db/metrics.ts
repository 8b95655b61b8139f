import { circuitStateValue, type HttpClientObserver } from '@potok/core/http-client'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { CLIENT_NAME } from './client.ts'

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const WRITES = ['stored', 'deleted', 'outdated', 'absent', 'refused', 'later'] as const
const READS = ['found', 'absent', 'unavailable'] as const

export interface Waiting {
  backlog: () => Promise<{ pending: number; oldestMs: number }>
  parked: () => Promise<number>
}

function watchBacklog(registers: Registry[], { backlog, parked }: Waiting): void {
  const waiting: Gauge = new Gauge({
    name: 'external_db_backlog',
    help: 'Entities whose newest version waits for the external DB',
    registers,
    collect: async (): Promise<void> => waiting.set((await backlog()).pending),
  })
  const oldest: Gauge = new Gauge({
    name: 'external_db_backlog_age_seconds',
    help: 'Age of the oldest state that waits for the external DB',
    registers,
    collect: async (): Promise<void> => oldest.set((await backlog()).oldestMs / 1000),
  })
  const refused: Gauge = new Gauge({
    name: 'external_db_parked',
    help: 'Entities whose newest version the external DB refused',
    registers,
    collect: async (): Promise<void> => refused.set(await parked()),
  })
}

/** Metrics of the external DB. @param waiting what waits, asked when somebody looks */
export function externalDbMetrics(registry: Registry, waiting: Waiting) {
  const registers = [registry]
  const writes = new Counter({
    name: 'external_db_writes_total',
    help: 'States carried to the external DB by outcome; later: tried again after a pause',
    labelNames: ['outcome'] as const,
    registers,
  })
  const reads = new Counter({
    name: 'external_db_reads_total',
    help: 'Unknown states looked up in the external DB by outcome',
    labelNames: ['outcome'] as const,
    registers,
  })
  const attempts = new Histogram({
    name: 'external_db_request_duration_seconds',
    help: 'Tries at the external DB until the head of the answer, by outcome: status class or reason',
    labelNames: ['method', 'outcome'] as const,
    buckets: BUCKETS,
    registers,
  })
  const circuit = new Gauge({
    name: 'circuit_breaker_state',
    help: 'Circuit breaker by service: 0 closed, 1 open, 2 half-open',
    labelNames: ['service'] as const,
    registers,
  })
  watchBacklog(registers, waiting)
  for (const outcome of WRITES) writes.inc({ outcome }, 0)
  for (const outcome of READS) reads.inc({ outcome }, 0)
  circuit.set({ service: CLIENT_NAME }, circuitStateValue.closed)
  const observer: HttpClientObserver = {
    attempt({ method, status, reason, durationMs }) {
      const outcome =
        status === undefined ? (reason ?? 'internal') : `${Math.floor(status / 100)}xx`
      attempts.observe({ method, outcome }, durationMs / 1000)
    },
    circuit: ({ state }) => circuit.set({ service: CLIENT_NAME }, circuitStateValue[state]),
  }
  return {
    observer,
    wrote: (outcome: (typeof WRITES)[number]): void => writes.inc({ outcome }),
    read: (outcome: (typeof READS)[number]): void => reads.inc({ outcome }),
  }
}
