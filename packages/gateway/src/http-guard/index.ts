/**
 * HTTP guard: what Node's parser lets through although it can be read in two ways is refused before anything acts on
 * it, and the connection is closed.
 */
import fp from 'fastify-plugin'
import { checkBody, checkHost, checkPath } from './rules.ts'

export default fp(
  async (app) => {
    app.addHook('onRequest', async ({ raw }, reply) => {
      try {
        checkHost(raw)
        checkPath(raw.url ?? '')
        checkBody(raw)
      } catch (error) {
        reply.header('connection', 'close')
        throw error
      }
    })
  },
  { name: '@potok/gateway-http-guard', fastify: '5.x', dependencies: ['@potok/problem'] },
)
