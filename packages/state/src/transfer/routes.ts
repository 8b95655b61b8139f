import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Transfer } from './transfer.ts'
import { exportSchema, importSchema, NDJSON } from './schemas.ts'

export const routes: FastifyPluginAsyncTypebox<{ transfer: Transfer }> = async (
  app,
  { transfer },
) => {
  const onRequest = app.requireApiKey
  app.removeAllContentTypeParsers()
  // As it comes: the import reads no faster than it stores.
  app.addContentTypeParser(NDJSON, (_request, payload, done) => done(null, payload))

  // Without its HEAD, which would read everything and throw it away.
  const exporting = { onRequest, schema: exportSchema, exposeHeadRoute: false }
  app.get('/export', exporting, async ({ query }, reply) =>
    reply.type(`${NDJSON}; charset=utf-8`).send(transfer.export(query.entity)),
  )

  app.post('/import', { onRequest, schema: importSchema }, async (request, reply) => {
    const { body, query } = request
    const stream = body instanceof Readable ? body : Readable.from([])
    try {
      return await transfer.import(stream, query)
    } catch (error) {
      // What is still on its way is not wanted any more.
      reply.header('connection', 'close')
      throw error
    }
  })
}
