import createError from '@fastify/error'

export const KeyReused = createError(
  'IDEMPOTENCY_KEY_REUSED',
  'This Idempotency-Key was used for another payload; a new request needs a new key',
  422,
)
