import createError from '@fastify/error'

export const BotSecretWrong = createError(
  'BOT_SECRET_WRONG',
  'X-Max-Bot-Api-Secret is missing or wrong',
  401,
)
export const BotUpdateMalformed = createError('BOT_UPDATE_MALFORMED', 'The body is not JSON', 400)

/** The state service did not answer, or not with what it should. `cause` says why. */
export const TasksUnavailable = createError(
  'BOT_TASKS_UNAVAILABLE',
  'The state service cannot be used now',
  503,
)

/** The admin service did not answer, or not with what it should. `cause` says why. */
export const PeopleUnavailable = createError(
  'BOT_PEOPLE_UNAVAILABLE',
  'The admin service cannot be used now',
  503,
)

/** MAX answered no: `status` and `reason` (its `code`) say what to. */
export class PlatformRefused extends Error {
  readonly status: number
  readonly reason: string
  /** From `Retry-After`, when it was given. */
  readonly retryAfterMs: number | undefined

  constructor(refusal: { status: number; reason: string; message: string; retryAfterMs?: number }) {
    super(`MAX refused with ${refusal.status} ${refusal.reason}: ${refusal.message}`)
    this.name = 'PlatformRefused'
    this.status = refusal.status
    this.reason = refusal.reason
    this.retryAfterMs = refusal.retryAfterMs
  }
}

/** MAX could not be reached, was too slow or answered with what is no answer. It may have done what was asked. */
export class PlatformUnavailable extends Error {
  constructor(cause: unknown) {
    super('MAX did not answer', { cause })
    this.name = 'PlatformUnavailable'
  }
}
