import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { entityTag } from '@potok/core/lib/precondition'
import type { Answer, Answers, Claim } from '../idempotency/index.ts'
import type { By, Command, Order, Outcome } from './command.ts'
import { CreatedMeanwhile } from './errors.ts'
import { createGrouping } from './grouping.ts'
import { stateJson } from './state-row.ts'
import type { Writer } from './writer.ts'

export interface StatesDeps {
  store: Pick<AnyDatabase, 'write' | 'dialect'>
  writer: Writer
  idempotency: Answers
  /** Beginnings anew when somebody else creates the same entity at the same moment. */
  attempts?: number
}

const pathOf = (entity: string, entityId: string): string =>
  `/api/v1/states/${entity}/${encodeURIComponent(entityId)}`

/** What a single write answers. */
function answerOf({ op }: Command, outcome: Outcome): Answer {
  const { row } = outcome
  if (op === 'delete') return { status: 204 }
  const answer = { etag: entityTag(row.version), body: stateJson(row) }
  const isCreated = outcome.kind === 'changed' && outcome.event === 'entity.created'
  if (!isCreated) return { status: 200, ...answer }
  return { status: 201, location: pathOf(row.entity, row.entity_id), ...answer }
}

/** Writes as the routes ask for them. Knows answers, but no HTTP. */
export function createStates({ store, writer, idempotency, attempts = 8 }: StatesDeps) {
  async function transact<T>(work: (trx: AnyTransaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await store.write(work)
      } catch (error) {
        if (!(error instanceof CreatedMeanwhile) || attempt >= attempts) throw error
      }
    }
  }

  /** @throws why it was refused: then nothing is committed at all */
  async function single(trx: AnyTransaction, order: Order): Promise<Outcome> {
    const [result] = await writer.run(trx, [order], 'atomic')
    if (result === undefined) throw new Error('A command without a result')
    if (result.kind === 'refused') throw result.error
    return result
  }

  // SQLite's own writer lets those that arrive together share a commit.
  const shared =
    store.dialect === 'postgres'
      ? createGrouping({
          run: (orders) => transact((trx) => writer.run(trx, orders, 'partial')),
        })
      : (order: Order) => transact((trx) => single(trx, order))

  return {
    transact,
    /** One command. @throws 403, 404, 409, 412, 422 */
    async write(command: Command, by: By, claim?: Claim): Promise<Answer> {
      const order = { command, by }
      if (claim === undefined) return answerOf(command, await shared(order))
      return transact((trx) =>
        idempotency.once(trx, claim, async () => answerOf(command, await single(trx, order))),
      )
    },
  }
}
