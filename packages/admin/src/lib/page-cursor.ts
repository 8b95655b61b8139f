import { Type } from '@sinclair/typebox'
import { createParser } from '@potok/core/validation'

/** Where the next page starts. Opaque to clients. */
export const PageCursor = Type.String({
  pattern: '^[A-Za-z0-9_-]{1,1024}$',
  description: '`nextCursor` of the page before; opaque',
})

export const PageLimit = Type.Integer({
  minimum: 1,
  maximum: 500,
  default: 50,
  description: 'How many at most',
  examples: [50],
})

const isPosition = createParser(Type.Array(Type.Union([Type.String(), Type.Integer()]))).check

/** Packs the sort keys of a page's last item. */
export function packCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position), 'utf8').toString('base64url')
}

/** The sort keys out of a cursor; undefined when it is none of ours. */
export function unpackCursor(cursor: string): readonly (string | number)[] | undefined {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    return isPosition(position) ? position : undefined
  } catch {
    // Not JSON: somebody made the cursor up. The caller says so.
    return undefined
  }
}
