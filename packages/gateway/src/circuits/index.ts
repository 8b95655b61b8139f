/**
 * Circuits: the breakers of this process, to look at and to switch by hand.
 */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import fp from 'fastify-plugin'
import { Problem } from '@potok/contracts/problem'
import type { Upstream, Upstreams } from '../upstreams/index.ts'
import { CircuitUnknown } from './errors.ts'
import { CircuitList, CircuitParams, CircuitView } from './schemas.ts'

const ACTIONS = {
  open: 'Open the circuit: requests are refused until it is closed or reset by hand',
  close: 'Close the circuit',
  reset: 'Back to the state of a fresh start',
} as const

function view(service: keyof Upstreams, { circuit }: Upstream): CircuitView {
  const { openedAt, retryAfterMs, ...snapshot } = circuit.snapshot()
  return {
    service,
    ...snapshot,
    openedAt: openedAt === null ? null : new Date(openedAt).toISOString(),
    retryAfterMs: Math.max(0, Math.ceil(retryAfterMs)),
  }
}

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { upstreams, requireAccess: onRequest } = app
  const tags = ['circuits']

  function find(service: keyof Upstreams): Upstream {
    const upstream = upstreams[service]
    if (upstream === undefined) throw new CircuitUnknown(service)
    return upstream
  }

  app.get(
    '',
    {
      onRequest,
      schema: {
        tags,
        summary: 'The circuit breaker of each service behind this process',
        response: { 200: CircuitList, '4xx': Problem },
      },
    },
    async () => {
      const { admin, state, task } = upstreams
      const items = [view('admin', admin), view('state', state)]
      return { items: task === undefined ? items : [...items, view('task', task)] }
    },
  )
  for (const action of ['open', 'close', 'reset'] as const) {
    app.post(
      `/:service/${action}`,
      {
        onRequest,
        schema: {
          tags,
          summary: ACTIONS[action],
          params: CircuitParams,
          response: { 200: CircuitView, '4xx': Problem },
        },
      },
      async ({ params: { service }, log }) => {
        const upstream = find(service)
        upstream.circuit[action]()
        log.warn(
          { context: 'Circuits', event: 'circuit.switched', service, action },
          'a circuit was switched by hand',
        )
        return view(service, upstream)
      },
    )
  }
}

export default fp(
  async (app) => {
    await app.register(routes, { prefix: '/api/v1/gateway/circuits' })
  },
  {
    name: '@potok/gateway-circuits',
    fastify: '5.x',
    dependencies: ['@potok/gateway-upstreams', '@potok/gateway-access'],
  },
)
