import { Type, type Static } from '@sinclair/typebox'

/** One field that was refused. `path` is a JSON pointer into the request part, such as `/body/entityId`. */
export const FieldError = Type.Object(
  { path: Type.String(), message: Type.String() },
  { additionalProperties: false },
)
export type FieldError = Static<typeof FieldError>

/** RFC 9457 problem details, the body of every 4xx and 5xx of every service. */
export const Problem = Type.Object(
  {
    type: Type.String({ examples: ['/problems/states-invalid-transition'] }),
    title: Type.String({ examples: ['Conflict'] }),
    status: Type.Integer({ minimum: 400, maximum: 599, examples: [409] }),
    detail: Type.Optional(Type.String()),
    instance: Type.Optional(Type.String({ description: 'Path of the request' })),
    code: Type.String({
      description: 'Stable name of the condition',
      examples: ['STATES_INVALID_TRANSITION'],
    }),
    correlationId: Type.Optional(Type.String()),
    reason: Type.Optional(Type.String({ description: 'At the gateway: which part said no' })),
    errors: Type.Optional(Type.Array(FieldError)),
  },
  { title: 'Problem', description: 'RFC 9457 problem details' },
)
export type Problem = Static<typeof Problem>
