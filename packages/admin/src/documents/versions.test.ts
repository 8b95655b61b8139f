import { array, assert, asyncProperty, constant, integer, oneof, record } from 'fast-check'
import { expect, test } from 'vitest'
import { describeAdmin, freshName } from '../testing/admin-app.ts'

/** What a document store with versions is, in a few lines. */
interface Model {
  /** Undefined: deleted or never there. */
  version: number | undefined
  /** Highest version that a delete took; undefined: nothing is forbidden. */
  buried: number | undefined
}

const step = oneof(
  record({ op: constant('put' as const), version: integer({ min: 1, max: 6 }) }),
  record({ op: constant('delete' as const), version: integer({ min: 1, max: 6 }) }),
  record({ op: constant('forget' as const), version: constant(0) }),
)

function expected(model: Model, { op, version }: { op: string; version: number }): number {
  const { version: stored, buried } = model
  if (op === 'put') {
    if (buried !== undefined && version <= buried) return 412
    if (stored !== undefined && version < stored) return 412
    Object.assign(model, { version, buried: undefined })
    return stored === undefined ? 201 : 200
  }
  if (op === 'forget') {
    if (stored === undefined) return 404
    Object.assign(model, { version: undefined, buried: undefined })
    return 204
  }
  if (version < (stored ?? buried ?? 0)) return 412
  Object.assign(model, { version: undefined, buried: version })
  return 204
}

describeAdmin('versions of documents', (admin) => {
  test('any row of writes and deletes is answered as the model says', async () => {
    await assert(
      asyncProperty(array(step, { maxLength: 12 }), async (steps) => {
        const url = `/api/v1/db/model/${freshName('m')}`
        const model: Model = { version: undefined, buried: undefined }
        for (const one of steps) {
          const status = expected(model, one)
          const { statusCode } =
            one.op === 'put'
              ? await admin().call('PUT', url, { body: { version: one.version } })
              : await admin().call(
                  'DELETE',
                  one.op === 'delete' ? `${url}?version=${one.version}` : url,
                )
          expect(statusCode).toBe(status)
        }
        const read = await admin().call('GET', url)
        expect(read.statusCode).toBe(model.version === undefined ? 404 : 200)
        expect(read.json().version).toBe(model.version)
      }),
      { numRuns: 100 },
    )
    // Hundreds of writes, each to the disk.
  }, 60_000)
})
