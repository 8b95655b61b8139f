import { Type, type Static } from '@sinclair/typebox'
import { Priority } from '@potok/contracts/task'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { createParser } from '@potok/core/validation'
import { closedSet } from '@potok/contracts/closed-set'
import type { BotTables } from './tables.ts'

export const DRAFT_STEPS = ['title', 'priority', 'due', 'assignee'] as const
export type DraftStep = (typeof DRAFT_STEPS)[number]

/** A task that is being described. */
export const Draft = Type.Object({
  /** Stands in the payload of the draft's buttons, and becomes the id of the task. */
  id: Type.String(),
  title: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  priority: Type.Optional(Priority),
  /** Epoch milliseconds. */
  dueAt: Type.Optional(Type.Integer()),
  assignee: Type.Optional(Type.String()),
  tags: Type.Array(Type.String()),
  /** The message that the task comes from. */
  messageId: Type.Optional(Type.String()),
})
export type Draft = Static<typeof Draft>

/** What the bot waits for. */
export const Dialog = Type.Union([
  Type.Object({
    kind: Type.Literal('draft'),
    step: closedSet(DRAFT_STEPS),
    /** Steps that were answered, by a value or by skipping. */
    passed: Type.Array(closedSet(DRAFT_STEPS)),
    draft: Draft,
  }),
  Type.Object({
    kind: Type.Literal('reason'),
    taskId: Type.String(),
    /** The card to edit. */
    mid: Type.Optional(Type.String()),
  }),
  Type.Object({ kind: Type.Literal('quiet-hours') }),
  Type.Object({ kind: Type.Literal('time-zone') }),
  Type.Object({ kind: Type.Literal('link') }),
])
export type Dialog = Static<typeof Dialog>
export type DialogOf<K extends Dialog['kind']> = Extract<Dialog, { kind: K }>

const parse = createParser(Dialog)

export type Dialogs = ReturnType<typeof createDialogs>

/** Where conversations of more than one message are; kept in SQL so that a restart does not forget them. */
export function createDialogs(database: AnyDatabase, { ttlMs }: { ttlMs: number }) {
  const tables = database.as<BotTables>()
  return {
    async get(chat: string, maxUserId: number): Promise<Dialog | undefined> {
      const row = await tables.kysely
        .selectFrom('bot_dialogs')
        .select(['state', 'updated_at'])
        .select(database.now().as('now'))
        .where('chat', '=', chat)
        .where('max_user_id', '=', maxUserId)
        .executeTakeFirst()
      if (row === undefined || row.now - row.updated_at > ttlMs) return undefined
      const state: unknown = JSON.parse(row.state)
      // What another release wrote and this one does not know is a conversation that is over.
      return parse.check(state) ? state : undefined
    },

    /** @param dialog undefined: it is over */
    async set(
      trx: AnyTransaction,
      chat: string,
      maxUserId: number,
      dialog: Dialog | undefined,
    ): Promise<void> {
      if (dialog === undefined) {
        await tables
          .transaction(trx)
          .deleteFrom('bot_dialogs')
          .where('chat', '=', chat)
          .where('max_user_id', '=', maxUserId)
          .execute()
        return
      }
      const state = { state: database.json(dialog), updated_at: database.now() }
      await tables
        .transaction(trx)
        .insertInto('bot_dialogs')
        .values({ chat, max_user_id: maxUserId, ...state })
        .onConflict((conflict) => conflict.columns(['chat', 'max_user_id']).doUpdateSet(state))
        .execute()
    },
  }
}
