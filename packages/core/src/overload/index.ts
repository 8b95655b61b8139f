/**
 * Overload: while the event loop lags, requests are refused at once, before they cost anything, except those that must be
 * answered all the same. Who is let in is then served in time.
 */
import underPressure from '@fastify/under-pressure'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Counter } from 'prom-client'
import { shed } from './errors.ts'

export interface OverloadOptions {
  /** Mean delay of the event loop over a sample from which on requests are refused, milliseconds; 0: none ever. */
  maxDelayMs: number
  /** Between two looks at the delay. */
  sampleMs?: number
  /** Requests that are answered whatever the delay. */
  isEssential: (request: FastifyRequest) => boolean
}

/** A second is two samples: by then it is known whether it is over. */
const RETRY_AFTER_SECONDS = 1

export default fp<OverloadOptions>(
  async (app, { maxDelayMs, sampleMs = 500, isEssential }) => {
    if (maxDelayMs === 0) return
    const refused = new Counter({
      name: 'http_requests_shed_total',
      help: 'Requests refused because the event loop lagged',
      registers: [app.registry],
    })
    let countsFrom = Number.POSITIVE_INFINITY
    app.addHook('onReady', async () => {
      // Booting keeps the loop busy: what was measured of that says nothing about requests.
      countsFrom = performance.now() + 2 * sampleMs
    })
    await app.register(underPressure, {
      maxEventLoopDelay: maxDelayMs,
      sampleInterval: sampleMs,
      pressureHandler: (request) => {
        if (isEssential(request) || performance.now() < countsFrom) return
        refused.inc()
        throw shed(RETRY_AFTER_SECONDS)
      },
    })
  },
  { name: '@potok/overload', fastify: '5.x', dependencies: ['@potok/metrics'] },
)
