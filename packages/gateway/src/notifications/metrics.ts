import { Counter, type Registry } from 'prom-client'

export function notificationMetrics(registry: Registry) {
  const registers = [registry]
  const stored = new Counter({
    name: 'notifications_stored_total',
    help: 'Notifications stored by this replica',
    registers,
  })
  const seen = new Counter({
    name: 'notifications_seen_total',
    help: 'Notifications that somebody marked as seen here',
    registers,
  })
  return {
    stored: (count: number): void => stored.inc(count),
    seen: (): void => seen.inc(),
  }
}

export type NotificationMetrics = ReturnType<typeof notificationMetrics>
