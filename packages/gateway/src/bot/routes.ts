import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { Problem } from '@potok/contracts/problem'
import { guard } from '@potok/core/access'
import { secretsEqual } from '@potok/core/lib/secrets-equal'
import { BotSecretWrong, BotUpdateMalformed } from './errors.ts'
import type { Intake } from './intake.ts'
import { AnyUpdate } from './schemas.ts'

export interface RoutesOptions {
  /** Undefined: updates do not come this way, everything is refused. */
  secret: string | undefined
  receive: Intake['receive']
}

const SECRET_HEADER = 'x-max-bot-api-secret'
/** Escapes of what no store of ours can keep. */
const SUSPICIOUS = /\\u(?:0000|[dD][89a-fA-F])|\0/u

/**
 * What people type is not the platform's fault: a refused update would come again ten times and in the end cost us the
 * subscription. So NULs are dropped and halves of characters replaced, where other routes answer 422.
 */
function parseKindly(text: string): unknown {
  const storable = (_key: string, value: unknown): unknown =>
    typeof value === 'string' ? value.replaceAll('\0', '').toWellFormed() : value
  const value: unknown = SUSPICIOUS.test(text) ? JSON.parse(text, storable) : JSON.parse(text)
  return value
}

function takeAnyJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, parseKindly(String(body)))
    } catch {
      done(new BotUpdateMalformed())
    }
  })
}

export const routes: FastifyPluginAsyncTypebox<RoutesOptions> = async (app, options) => {
  takeAnyJson(app)
  const { secret, receive } = options
  const fromPlatform = guard(async (request: FastifyRequest) => {
    const given = request.headers[SECRET_HEADER]
    if (secret === undefined || typeof given !== 'string' || !secretsEqual(given, secret)) {
      throw new BotSecretWrong()
    }
  })
  app.post(
    '/webhook',
    {
      onRequest: fromPlatform,
      config: { rateLimit: false },
      schema: {
        tags: ['bot'],
        summary: 'Updates of the MAX platform',
        description: 'Answered with 200 once the update is stored. The header proves the sender.',
        security: [],
        headers: Type.Object({ [SECRET_HEADER]: Type.Optional(Type.String()) }),
        body: AnyUpdate,
        response: { 200: Type.Object({ ok: Type.Literal(true) }), '4xx': Problem, 503: Problem },
      },
    },
    async (request) => {
      await receive(request.body, request.id)
      return { ok: true as const }
    },
  )
}
