import { Counter, type Registry } from 'prom-client'

export type AuthMetrics = ReturnType<typeof authMetrics>

/** Counts of what happens at the door, by outcome. */
export function authMetrics(registry: Registry) {
  const registers = [registry]
  const logins = new Counter({
    name: 'auth_logins_total',
    help: 'Logins by outcome: accepted, refused, slowed, unavailable',
    labelNames: ['outcome'] as const,
    registers,
  })
  const refreshes = new Counter({
    name: 'auth_refreshes_total',
    help: 'Exchanges of refresh tokens by outcome: rotate, repeat, reused, refused, unavailable',
    labelNames: ['outcome'] as const,
    registers,
  })
  const revocations = new Counter({
    name: 'auth_sessions_ended_total',
    help: 'Sessions that ended before their time, as this process learnt of them',
    registers,
  })
  return {
    login: (outcome: 'accepted' | 'refused' | 'slowed' | 'unavailable') => logins.inc({ outcome }),
    refresh: (outcome: 'rotate' | 'repeat' | 'reused' | 'refused' | 'unavailable') =>
      refreshes.inc({ outcome }),
    sessionEnded: () => revocations.inc(),
  }
}
