/**
 * HTTP guard: what Node's parser lets through although it can be read in two ways is refused before anything acts on
 * it, and the connection is closed.
 */
import type { IncomingMessage } from 'node:http'
import fp from 'fastify-plugin'
import { SOCKET_PATH } from '@potok/contracts/socket-events'
import { checkBody, checkHeaders, checkHost, checkPath } from './rules.ts'
import { ignoreUpgrades } from './upgrades.ts'

function isForSockets({ url = '', headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && url.startsWith(`${SOCKET_PATH}/`)
}

export default fp(
  async (app) => {
    ignoreUpgrades(app.server, isForSockets)
    app.addHook('onRequest', ({ raw }, reply, done) => {
      try {
        checkHeaders(raw)
        checkHost(raw)
        checkPath(raw.url ?? '')
        checkBody(raw)
      } catch (error) {
        reply.header('connection', 'close')
        throw error
      }
      done()
    })
  },
  { name: '@potok/gateway-http-guard', fastify: '5.x', dependencies: ['@potok/problem'] },
)
