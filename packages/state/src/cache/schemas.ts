import { Problem } from '@potok/contracts/problem'
import { Type } from '@sinclair/typebox'

/** One rule of `CACHE_TTL`: a key pattern and seconds. */
const RULE = String.raw`state:[A-Za-z0-9._:*-]{1,200}=[0-9]{1,7}`
/** What `CACHE_TTL` may look like. */
export const TTL_RULES = `^${RULE}(?:,${RULE}){0,99}$`

const Pattern = Type.String({
  pattern: '^state:[A-Za-z0-9._:*-]{1,200}$',
  description: 'Key pattern; `*` stands for any characters. Keys are `state:<entity>:<id>`',
})

export const invalidateSchema = {
  tags: ['cache'],
  summary: 'Forget cached states and lists',
  description:
    'For repairs by hand in the store: writes through the API invalidate by themselves. The other replicas follow within a second.',
  body: Type.Object(
    { pattern: Pattern },
    { additionalProperties: false, examples: [{ pattern: 'state:task:*' }] },
  ),
  response: {
    200: Type.Object({
      pattern: Pattern,
      removed: Type.Object(
        {
          memory: Type.Integer({ minimum: 0, description: 'Keys that this process forgot' }),
          local: Type.Optional(Type.Integer({ minimum: 0 })),
          global: Type.Optional(Type.Integer({ minimum: 0 })),
        },
        { description: 'By level; a level that cannot be reached begins anew when it is back' },
      ),
    }),
    '4xx': Problem,
    503: Problem,
  },
}
