import type { TSchema } from '@sinclair/typebox'

/** The same shape with examples of its own, for a route where the usual ones would not work when pasted. */
export function withExamples<T extends TSchema>(schema: T, examples: unknown[]): T {
  return { ...schema, examples }
}
