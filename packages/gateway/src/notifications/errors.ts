import createError from '@fastify/error'

export const RecipientUnknown = createError<[id: string]>(
  'NOTIFICATIONS_UNKNOWN_USER',
  'There is no person %s',
  422,
)
