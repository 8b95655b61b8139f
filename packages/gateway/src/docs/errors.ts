import createError from '@fastify/error'

export const DocumentNotRead = createError<[service: string, status: number]>(
  'DOCS_NOT_READ',
  'The %s service answered %d instead of its document',
  502,
)
