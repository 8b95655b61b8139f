import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { sql } from 'kysely'
import type { Claim } from './claim.ts'
import { KeyReused } from './errors.ts'
import type { IdempotencyKeysTable, IdempotencyTables } from './tables.ts'

/** What a write answers, ready to be sent and to be stored. */
export interface Answer {
  /** 2xx; everything else is thrown and therefore never stored. */
  status: number
  etag?: string
  location?: string
  /** JSON text. */
  body?: string
}

export interface AnswersDeps {
  store: AnyDatabase
  retentionMs: number
}

type Row = Pick<IdempotencyKeysTable, 'payload' | 'status' | 'etag' | 'location' | 'body'>

const answerOf = ({ status, etag, location, body }: Row): Answer => ({
  status,
  ...(etag === null ? {} : { etag }),
  ...(location === null ? {} : { location }),
  ...(body === null ? {} : { body }),
})

/** Claims the key. Waits for a transaction that holds it; what is past its retention is claimed anew. */
function claiming(store: AnyDatabase) {
  const { kysely } = store.as<IdempotencyTables>()
  return store.statement<Claim & { retentionMs: number }>()<unknown>((slot) => {
    const now = store.now()
    return kysely
      .insertInto('idempotency_keys')
      .values({ id: slot('id'), payload: slot('payload'), status: 0, created_at: now })
      .onConflict((conflict) =>
        conflict
          .column('id')
          .doUpdateSet({
            payload: slot('payload'),
            created_at: now,
            status: 0,
            etag: null,
            location: null,
            body: null,
          })
          .where('idempotency_keys.created_at', '<', sql<number>`${now} - ${slot('retentionMs')}`),
      )
  })
}

export type Answers = ReturnType<typeof createAnswers>

/** Keeps answers in the transaction of the change that they tell of. */
export function createAnswers({ store, retentionMs }: AnswersDeps) {
  const { kysely } = store.as<IdempotencyTables>()
  const claim = claiming(store)
  const find = store.statement<{ id: string }>()<Row>((slot) =>
    kysely
      .selectFrom('idempotency_keys')
      .select(['payload', 'status', 'etag', 'location', 'body'])
      .where('id', '=', slot('id')),
  )
  type Kept = Pick<IdempotencyKeysTable, 'id' | 'status' | 'etag' | 'location' | 'body'>
  const keep = store.statement<Kept>()<unknown>((slot) =>
    kysely
      .updateTable('idempotency_keys')
      .set({
        status: slot('status'),
        etag: slot('etag'),
        location: slot('location'),
        body: slot('body'),
      })
      .where('id', '=', slot('id')),
  )

  return {
    /**
     * Does the work at most once for a claim. A concurrent duplicate waits for the first.
     * @throws 422 the key was used for another payload
     */
    async once(
      trx: AnyTransaction,
      claimed: Claim | undefined,
      work: () => Promise<Answer>,
    ): Promise<Answer> {
      if (claimed === undefined) return work()
      const { numAffectedRows = 0n } = await claim({ ...claimed, retentionMs }, trx)
      if (numAffectedRows === 0n) {
        const [row] = (await find({ id: claimed.id }, trx)).rows
        if (row === undefined || row.payload !== claimed.payload) throw new KeyReused()
        return answerOf(row)
      }
      const answer = await work()
      const { status, etag = null, location = null, body = null } = answer
      await keep({ id: claimed.id, status, etag, location, body }, trx)
      return answer
    },
  }
}
