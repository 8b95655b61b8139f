/**
 * Idempotency: `app.idempotency` gives the plugins that write the stored answer of a request that they have seen before.
 */
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { createAnswers } from './answers.ts'
import { claimOf, type Claim } from './claim.ts'

export type { Answer } from './answers.ts'
export type { Claim } from './claim.ts'

export interface IdempotencyOptions {
  /** How long an answer is remembered, milliseconds. */
  retentionMs: number
  /** How often what is older is removed, milliseconds. */
  purgeMs?: number
}

declare module 'fastify' {
  interface FastifyInstance {
    idempotency: Pick<ReturnType<typeof createAnswers>, 'once'> & {
      /** The claim of a request that carries an `Idempotency-Key`. */
      claim(request: FastifyRequest): Claim | undefined
    }
  }
}

function claim(request: FastifyRequest): Claim | undefined {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string') return undefined
  const { service, actor } = request.caller
  const path = request.url.split('?', 1)[0] ?? ''
  return claimOf({ key, service, actor, method: request.method, path, body: request.body })
}

export default fp<IdempotencyOptions>(
  async (app, { retentionMs, purgeMs = 600_000 }) => {
    const answers = createAnswers({ store: app.store, retentionMs })
    app.decorate('idempotency', { once: answers.once, claim })
    const log = app.log.child({ context: 'Idempotency' })
    const timer = setInterval(() => {
      answers
        .purge()
        .catch((error: unknown) => log.warn({ err: error }, 'keys could not be purged'))
    }, purgeMs)
    timer.unref()
    app.addHook('onClose', async () => clearInterval(timer))
  },
  {
    name: '@potok/state/idempotency',
    fastify: '5.x',
    dependencies: ['@potok/api-key', '@potok/state/store'],
  },
)
