/**
 * Idempotency: `app.idempotency` gives the plugins that write the stored answer of a request that they have seen before.
 */
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { createAnswers, type Answers } from './answers.ts'
import { claimOf, type Claim } from './claim.ts'
import { purge } from './retention.ts'

export type { Answer, Answers } from './answers.ts'
export type { Claim } from './claim.ts'

export interface IdempotencyOptions {
  /** How long an answer is remembered, milliseconds. */
  retentionMs: number
  /** How often what is older is removed, milliseconds. */
  purgeMs?: number
}

declare module 'fastify' {
  interface FastifyInstance {
    idempotency: Answers & {
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
    const { store } = app
    app.decorate('idempotency', { ...createAnswers({ store, retentionMs }), claim })
    const log = app.log.child({ context: 'Idempotency' })
    const timer = setInterval(() => {
      purge({ store, retentionMs }).catch((error: unknown) => {
        log.warn({ err: error }, 'keys could not be purged')
      })
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
