import type { AnyTransaction } from '@potok/core/database'
import { entityTag } from '@potok/core/lib/precondition'
import { toProblem } from '@potok/core/problem'
import type { Metadata } from '@potok/contracts/state'
import type { Answer } from '../idempotency/index.ts'
import type { By, Command, Outcome } from './command.ts'
import { stateJson } from './state-row.ts'
import type { Refused } from './deciding.ts'
import type { Writer } from './writer.ts'

export interface Operation {
  op: 'create' | 'upsert' | 'update' | 'patch' | 'delete'
  entity: string
  entityId: string
  status?: string
  metadata?: Metadata
  reason?: string
  ttlSeconds?: number
  /** Like `If-Match`. */
  ifVersion?: number
}

export interface Batch {
  mode: 'atomic' | 'partial'
  operations: Operation[]
}

const BATCH_PATH = '/api/v1/states/batch'

const commandOf = ({ ifVersion, ...operation }: Operation): Command => ({
  ...operation,
  ...(ifVersion === undefined ? {} : { conditions: { ifMatch: entityTag(ifVersion) } }),
})

function statusOf(outcome: Outcome): number {
  if (outcome.kind !== 'changed' || outcome.event === 'entity.updated') return 200
  return outcome.event === 'entity.created' ? 201 : 204
}

function resultJson(result: Outcome | Refused, index: number, correlationId: string): string {
  if (result.kind === 'refused') {
    const problem = toProblem(result.error, { correlationId, path: BATCH_PATH })
    return `{"index":${index},"status":${problem.status},"problem":${JSON.stringify(problem)}}`
  }
  const status = statusOf(result)
  const state = status === 204 ? '' : `,"state":${stateJson(result.row)}`
  return `{"index":${index},"status":${status}${state}}`
}

/** The problem of an atomic batch is that of the first operation that failed, with its place. */
function firstRefusal(results: readonly (Outcome | Refused)[]): Error | undefined {
  for (const [index, result] of results.entries()) {
    if (result.kind !== 'refused') continue
    const { error } = result
    const extension = 'extension' in error ? error.extension : undefined
    const errors = [{ path: `/body/operations/${index}`, message: error.message }]
    return Object.assign(error, { errors, extension: { ...Object(extension), index } })
  }
  return undefined
}

/** Runs a batch in the caller's transaction. @throws atomic: what the first operation that failed would have thrown */
export async function runBatch(
  writer: Writer,
  trx: AnyTransaction,
  { mode, operations }: Batch,
  by: By,
): Promise<Answer> {
  const orders = operations.map((operation) => ({ command: commandOf(operation), by }))
  const results = await writer.run(trx, orders, mode)
  const refusal = mode === 'atomic' ? firstRefusal(results) : undefined
  if (refusal !== undefined) throw refusal
  const failed = results.filter(({ kind }) => kind === 'refused').length
  const items = results.map((result, index) => resultJson(result, index, by.correlationId))
  return {
    status: 200,
    body: `{"results":[${items.join(',')}],"succeeded":${results.length - failed},"failed":${failed}}`,
  }
}
