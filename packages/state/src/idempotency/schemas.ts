import { Type } from '@sinclair/typebox'

/** The request header of writes that may be repeated (IETF draft "The Idempotency-Key HTTP Header Field"). */
export const IdempotencyKey = Type.Optional(
  Type.String({
    pattern: '^[\\x21-\\x7e]{1,255}$',
    description:
      'Makes a repetition harmless: the same key and payload get the stored answer of the first request, ' +
      'another payload gets 422. Remembered for a day; only successes are.',
  }),
)
