/** The chat page: one document, one style sheet, a few modules of plain JavaScript, all read once at the start. */
import { readFile } from 'node:fs/promises'
import type { FastifyPluginAsync } from 'fastify'
import { HTML } from './html.ts'
import { STYLES } from './styles.ts'

/** `tsc` copies these beside the compiled server, so that `dist` is all that a package needs. */
const MODULES = [
  'main.js',
  'api.js',
  'column.js',
  'composer.js',
  'element.js',
  'forms.js',
  'message.js',
  'state.js',
]

/** No inline script runs and nothing is loaded from elsewhere, whatever a message contains. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export const page: FastifyPluginAsync = async (app) => {
  app.addHook('onSend', async (_request, reply) => {
    reply.header('content-security-policy', POLICY)
    reply.header('x-content-type-options', 'nosniff')
    reply.header('referrer-policy', 'no-referrer')
    reply.header('cache-control', 'no-cache')
  })
  app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').send(HTML))
  app.get('/page/styles.css', (_request, reply) =>
    reply.type('text/css; charset=utf-8').send(STYLES),
  )
  for (const name of MODULES) {
    const source = await readFile(new URL(`./client/${name}`, import.meta.url), 'utf8')
    app.get(`/page/${name}`, (_request, reply) =>
      reply.type('text/javascript; charset=utf-8').send(source),
    )
  }
}
