import { Type } from '@sinclair/typebox'
import { ENTITY_TAGS } from '@potok/core/lib/precondition'

// No examples: Swagger UI would send them, and a precondition that the reader did not choose fails.
const tags = (description: string) =>
  Type.Optional(Type.String({ pattern: ENTITY_TAGS, description }))

/** `If-Match` of a change. */
export const IfMatch = tags('Only when the stored one has this ETag; `*`: when there is one')
/** `If-None-Match` of a read. */
export const IfNoneMatch = tags('304 when the stored one has this ETag')
/** `If-None-Match` of a write. */
export const OnlyCreate = tags('`*`: only when there is none yet')
