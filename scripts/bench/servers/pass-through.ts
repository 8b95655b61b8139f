/**
 * Baseline of the gateway: bare node:http in front of undici, no checks, no log, no metrics.
 */
import { createServer } from 'node:http'
import { Pool } from 'undici'

const pool = new Pool(process.env['UPSTREAM'] ?? 'http://127.0.0.1:3002', { connections: 64 })
const server = createServer((request, response) => {
  if (request.url === '/health/liveness') {
    response.end('{}')
    return
  }
  pool.stream(
    {
      method: 'GET',
      path: request.url ?? '/',
      headers: { 'x-api-key': process.env['UPSTREAM_KEY'] ?? '' },
    },
    ({ statusCode, headers }) => {
      response.writeHead(statusCode, {
        'content-type': String(headers['content-type']),
        'content-length': String(headers['content-length'] ?? ''),
      })
      return response
    },
    (error) => {
      if (error) response.destroy(error)
    },
  )
})
server.listen(Number(process.env['PORT']), '127.0.0.1')
