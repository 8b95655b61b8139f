import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import { Type } from '@sinclair/typebox'
import { verifySignature } from '@potok/contracts/webhook-signature'
import '@potok/core/rate-limit'
import { guard } from '@potok/core/access'
import { createParser } from '@potok/core/validation'
import { SignatureWrong } from './errors.ts'
import { Delivery } from './schemas.ts'

export interface RoutesOptions {
  secret: string
  /** Stores what people must be told; resolves once it is durable. A repetition changes nothing. */
  take: (delivery: Delivery, correlationId: string) => Promise<void>
}

const parseDelivery = createParser(Delivery)

/** The signature covers the bytes, so that the body stays text until it was verified. */
function keepRaw(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body)
  })
}

export const routes: FastifyPluginAsync<RoutesOptions> = async (app, { secret, take }) => {
  keepRaw(app)
  const signed = guard(async (request: FastifyRequest) => {
    const header = request.headers['x-webhook-signature']
    const good =
      typeof request.body === 'string' &&
      verifySignature(request.body, typeof header === 'string' ? header : undefined, [secret])
    if (!good) throw new SignatureWrong()
  })
  app.post(
    '/events',
    {
      preHandler: signed,
      config: { rateLimit: false, quiet: true },
      schema: {
        hide: true,
        response: { 200: Type.Object({ ok: Type.Literal(true) }) },
      },
    },
    async (request) => {
      await take(parseDelivery(JSON.parse(String(request.body))), request.id)
      return { ok: true as const }
    },
  )
}
