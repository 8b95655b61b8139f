import createError from '@fastify/error'

export const ApiKeyMissing = createError(
  'API_KEY_MISSING',
  'This is for services: send a key in the header x-api-key',
  401,
)
export const ApiKeyUnknown = createError(
  'API_KEY_UNKNOWN',
  'The key in x-api-key is not accepted',
  401,
)
export const ActorNotAllowed = createError<[name: string]>(
  'API_KEY_ACTOR_NOT_ALLOWED',
  'The key "%s" may not act on behalf of somebody: x-actor is for gateway and task',
  403,
)
export const ActorInvalid = createError(
  'API_KEY_ACTOR_INVALID',
  'x-actor must be user:<id>, and x-actor-scope must be own',
  400,
)
