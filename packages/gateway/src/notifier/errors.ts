import createError from '@fastify/error'

export const SignatureWrong = createError(
  'NOTIFIER_SIGNATURE_WRONG',
  'This is for the state service: the signature does not fit the body',
  401,
)
