/**
 * Baseline of the gateway: @fastify/http-proxy as it comes, no checks, no log, no metrics.
 */
import httpProxy from '@fastify/http-proxy'
import { fastify } from 'fastify'

const app = fastify()
app.get('/health/liveness', async () => ({ status: 'ok' }))
await app.register(httpProxy, {
  upstream: process.env['UPSTREAM'] ?? '',
  prefix: '/api',
  rewritePrefix: '/api',
})
await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) })
