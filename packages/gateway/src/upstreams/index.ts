/**
 * Upstreams: `app.upstreams`, the clients of the services behind the gateway, each with its key, circuit and budget.
 */
import fp from 'fastify-plugin'
import { createHttpClient, type HttpClient } from '@potok/core/http-client'
import '@potok/core/tracing'
import { upstreamMetrics } from './metrics.ts'

export const UPSTREAM_NAMES = ['admin', 'state', 'task'] as const
export type UpstreamName = (typeof UPSTREAM_NAMES)[number]

export interface UpstreamTarget {
  /** Origin of the service; a path would be put before that of every request. */
  url: string
  apiKey: string
}

export interface UpstreamsOptions {
  admin: UpstreamTarget
  state: UpstreamTarget
  /** Undefined while there is no task service. */
  task: UpstreamTarget | undefined
  breaker: { failureThreshold: number; successThreshold: number; resetMs: number }
  /** Total deadline of a request, milliseconds. */
  deadlineMs: number
  /** Largest request body that is passed on. */
  bodyLimitBytes: number
  /** Epoch milliseconds, for the circuits. */
  now?: () => number
}

export interface Upstream extends HttpClient {
  /** For the proxy, which makes its own headers. */
  apiKey: string
  origin: string
  /** Path of the service below its origin, without a slash at the end; mostly empty. */
  basePath: string
}

export type Upstreams = Readonly<{ admin: Upstream; state: Upstream; task?: Upstream }>

declare module 'fastify' {
  interface FastifyInstance {
    upstreams: Upstreams
  }
}

/** How long a health check waits for an upstream: less than the health waits for the check. */
const HEALTH_DEADLINE_MS = 1500

export default fp<UpstreamsOptions>(
  async (app, { admin, state, task, ...options }) => {
    const metrics = upstreamMetrics(app.registry)
    const clients: Upstream[] = []

    function connect(name: UpstreamName, { url, apiKey }: UpstreamTarget): Upstream {
      const { deadlineMs, bodyLimitBytes, breaker, now } = options
      const client = createHttpClient({
        name,
        origin: url,
        apiKey,
        breaker,
        deadlineMs,
        bodyLimitBytes,
        log: app.log.child({ context: 'Upstreams' }),
        observe: metrics.observer,
        tracing: app.tracing?.calls,
        ...(now !== undefined && { now }),
      })
      metrics.show(name, () => client.circuit.state)
      app.health.part({ name, required: false, check: () => checked(client) })
      const { origin, pathname } = new URL(url)
      const upstream = { ...client, apiKey, origin, basePath: pathname.replace(/\/$/u, '') }
      clients.push(upstream)
      return upstream
    }

    app.decorate('upstreams', {
      admin: connect('admin', admin),
      state: connect('state', state),
      ...(task !== undefined && { task: connect('task', task) }),
    })
    app.addHook('preClose', async () => {
      for (const client of clients) client.endStreams()
    })
    app.addHook('onClose', async () => {
      await Promise.all(clients.map((client) => client.close()))
    })
  },
  {
    name: '@potok/gateway-upstreams',
    fastify: '5.x',
    dependencies: ['@potok/health', '@potok/metrics', '@potok/tracing'],
  },
)

/** A service that can do its job, as it says itself. An open circuit is down without asking. */
async function checked({ request }: HttpClient) {
  const { status } = await request({
    method: 'GET',
    path: '/health/readiness',
    deadlineMs: HEALTH_DEADLINE_MS,
  })
  return { status: status === 200 ? ('up' as const) : ('down' as const) }
}
