import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import {
  circuitStateValue,
  type CircuitState,
  type HttpClientObserver,
} from '@potok/core/http-client'
import { createGathered } from '@potok/core/metrics'

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Metrics of the calls to the services behind the gateway. Labels are our own names, never what a caller sent. */
export function upstreamMetrics(registry: Registry) {
  const registers = [registry]
  const states = new Map<string, () => CircuitState>()
  const circuits: Gauge<'service'> = new Gauge({
    name: 'circuit_breaker_state',
    help: 'Circuit breaker by service: 0 closed, 1 open, 2 half-open',
    labelNames: ['service'] as const,
    registers,
    // Asked, not told: that an open circuit's time is over is nobody's event.
    collect(): void {
      for (const [service, state] of states) circuits.set({ service }, circuitStateValue[state()])
    },
  })
  const attempts = new Histogram({
    name: 'upstream_attempt_duration_seconds',
    help: 'Attempts at a service until the head of the answer, by outcome: status class or reason',
    labelNames: ['service', 'method', 'outcome'] as const,
    buckets: BUCKETS,
    registers,
    collect: () => ended.flush(),
  })
  const ended = createGathered<[service: string, method: string, end: number | string]>(
    ([service, method, end], seconds) => {
      const outcome = typeof end === 'number' ? `${Math.floor(end / 100)}xx` : end
      for (const one of seconds) attempts.observe({ service, method, outcome }, one)
    },
  )
  const retries = new Counter({
    name: 'upstream_retries_total',
    help: 'Attempts after the first',
    labelNames: ['service'] as const,
    registers,
  })
  const denied = new Counter({
    name: 'upstream_retries_denied_total',
    help: 'Attempts that the retry budget did not allow',
    labelNames: ['service'] as const,
    registers,
  })
  const failures = new Counter({
    name: 'upstream_failures_total',
    help: 'Calls that ended without an answer, by reason',
    labelNames: ['service', 'reason'] as const,
    registers,
  })

  const observer: HttpClientObserver = {
    attempt({ upstream, method, status, reason, durationMs }) {
      ended.add(durationMs / 1000, upstream, method, status ?? reason ?? 'internal')
    },
    retry: ({ upstream }) => retries.inc({ service: upstream }),
    retryDenied: ({ upstream }) => denied.inc({ service: upstream }),
    failure: ({ upstream, reason }) => failures.inc({ service: upstream, reason }),
  }
  return {
    observer,
    /** Shows the circuit of a service. */
    show: (service: string, state: () => CircuitState): void => void states.set(service, state),
  }
}
