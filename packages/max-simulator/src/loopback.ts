/**
 * Keeps web pages of other origins away from the control API and the chat page: they have no token, and a browser on this
 * machine would carry a foreign page's request here (also by a name that was rebound to 127.0.0.1).
 */
import type { FastifyInstance } from 'fastify'
import { ControlForeignHost } from './platform/errors.ts'

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/u

export function loopbackOnly(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ hostname, headers: { origin } }) => {
    if (!LOOPBACK.test(hostname)) throw new ControlForeignHost(hostname)
    if (origin === undefined) return
    const from = URL.canParse(origin) ? new URL(origin).hostname : origin
    if (!LOOPBACK.test(from)) throw new ControlForeignHost(from)
  })
}
