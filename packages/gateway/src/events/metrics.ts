import { Counter, Gauge, type Registry } from 'prom-client'

/** How well this replica follows the event log: a listener that counts. */
export function feedMetrics(registry: Registry, connected: () => boolean) {
  const registers = [registry]
  const up: Gauge = new Gauge({
    name: 'event_feed_connected',
    help: 'Whether the event stream of the state service is followed: 0 or 1',
    registers,
    collect: (): void => up.set(connected() ? 1 : 0),
  })
  const events = new Counter({
    name: 'event_feed_events_total',
    help: 'Events of the log that were followed',
    registers,
  })
  const resets = new Counter({
    name: 'event_feed_resets_total',
    help: 'Times that the log could not be continued',
    registers,
  })
  return { event: (): void => events.inc(), reset: (): void => resets.inc() }
}
