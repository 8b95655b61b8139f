/**
 * Discovery: `GET /api/v1/services`, the other services that this one knows, where they are and how they do. Names are
 * resolved and health is asked again and again, and remembered in between.
 */
import fp from 'fastify-plugin'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { createPeriodic } from '../lib/periodic.ts'
import { systemDns, type Dns } from './resolver.ts'
import { servicesSchema } from './schemas.ts'
import { WatchedService, type WatchedEntry } from './watched-service.ts'

export type { WatchedEntry } from './watched-service.ts'

export interface DiscoveryOptions {
  services: readonly WatchedEntry[]
  /** DISCOVERY_INTERVAL_MS */
  intervalMs: number
  dns?: Dns
}

/** How long a service may take to say how it does. */
const PROBE_DEADLINE_MS = 2000

const routes: FastifyPluginAsyncTypebox<{ services: readonly WatchedService[] }> = async (
  app,
  { services },
) => {
  app.get('', { onRequest: app.requireApiKey, schema: servicesSchema }, async () => ({
    items: services.map((service) => service.view()),
  }))
}

export default fp<DiscoveryOptions>(
  async (app, { services: entries, intervalMs, dns = systemDns }) => {
    const log = app.log.child({ context: 'Discovery' })
    const services = entries.map(
      (entry) => new WatchedService({ ...entry, dns, log, deadlineMs: PROBE_DEADLINE_MS }),
    )
    const look = async (): Promise<void> => {
      await Promise.all(services.map((service) => service.look()))
    }
    const watch = createPeriodic({
      run: look,
      everyMs: intervalMs,
      log,
      failure: 'services could not be looked at',
    })
    app.addHook('onReady', async () => {
      // Nobody waits for it: a service that hangs must not keep this one from starting.
      void look()
      watch.start()
    })
    app.addHook('onClose', async () => {
      await watch.close()
      await Promise.all(services.map((service) => service.close()))
    })
    await app.register(routes, { prefix: '/api/v1/services', services })
  },
  { name: '@potok/state/discovery', fastify: '5.x', dependencies: ['@potok/api-key'] },
)
