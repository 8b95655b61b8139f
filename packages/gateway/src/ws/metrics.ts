import { Counter, Gauge, type Registry } from 'prom-client'
import type { SocketErrorCode } from './errors.ts'

/** The README's socket metrics, and what sockets were refused and closed for. */
export function socketMetrics(registry: Registry) {
  const registers = [registry]
  const counter = <Label extends string>(name: string, help: string, ...labels: Label[]) =>
    new Counter({ name, help, labelNames: labels, registers })
  const active = new Gauge({
    name: 'websocket_connections_active',
    help: 'Sockets connected now',
    registers,
  })
  const total = counter('websocket_connections_total', 'Sockets ever connected')
  const closed = counter('websocket_closed_total', 'Sockets closed by us, by code', 'code')
  const refused = counter('websocket_refused_total', 'Events and handshakes refused', 'code')
  const rejected = counter(
    'websocket_rejected_total',
    'Connections that were not accepted',
    'reason',
  )
  const events = counter('websocket_events_total', 'Events that sockets sent', 'event')
  const resumed = counter(
    'websocket_resumed_total',
    'Subscriptions with a cursor: recovered or reload',
    'outcome',
  )
  const beats = counter('presence_beats_total', 'Signs of life told, by outcome', 'outcome')
  const lost = counter('websocket_relay_lost_total', 'What could not be told to other replicas')
  return {
    opened(): void {
      active.inc()
      total.inc()
    },
    gone: (): void => active.dec(),
    closed: (code: SocketErrorCode): void => closed.inc({ code }),
    refused: (code: SocketErrorCode): void => refused.inc({ code }),
    rejected: (reason: string): void => rejected.inc({ reason }),
    event: (event: string): void => events.inc({ event }),
    resumed: (outcome: 'recovered' | 'reload'): void => resumed.inc({ outcome }),
    beaten: (outcome: 'renewed' | 'online' | 'kept' | 'failed'): void => beats.inc({ outcome }),
    relayLost: (): void => lost.inc(),
  }
}

export type SocketMetrics = ReturnType<typeof socketMetrics>
