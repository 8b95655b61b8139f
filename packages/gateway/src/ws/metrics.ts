import { Counter, Gauge, type Registry } from 'prom-client'

/** The README's socket metrics. */
export function socketMetrics(registry: Registry) {
  const registers = [registry]
  return {
    active: new Gauge({
      name: 'websocket_connections_active',
      help: 'Sockets connected now',
      registers,
    }),
    total: new Counter({
      name: 'websocket_connections_total',
      help: 'Sockets ever connected',
      registers,
    }),
  }
}
