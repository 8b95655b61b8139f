import createError from '@fastify/error'

export const CircuitUnknown = createError<[service: string]>(
  'CIRCUITS_UNKNOWN_SERVICE',
  'There is no service "%s" behind this gateway',
  404,
)
