import { Type, type Static } from '@sinclair/typebox'
import { Role, UserSettings } from '@potok/contracts/user'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { createParser } from '@potok/core/validation'
import type { BotTables } from './tables.ts'
import { localeOf, type Locale } from './texts/index.ts'

/** What is kept of a person for the time that the admin service is away. */
export const Profile = Type.Object({
  userId: Type.String(),
  username: Type.String(),
  displayName: Type.String(),
  roles: Type.Array(Role),
  timeZone: Type.String(),
  active: Type.Boolean(),
  settings: UserSettings,
})
export type Profile = Static<typeof Profile>

/** Somebody who writes to the bot, or is told something by it. */
export interface Person extends Profile {
  maxUserId: number
  locale: Locale
  /** The dialog with the bot; undefined until they wrote in it. */
  chatId: number | undefined
  /** MAX lets us write to them, as far as we know. */
  reachable: boolean
}

/** What an update of theirs tells of a person. */
export interface Met {
  locale: Locale
  chatId: number | undefined
}

export type PeopleRows = ReturnType<typeof createPeopleRows>

type Tables = ReturnType<typeof tablesOf>
const tablesOf = (database: AnyDatabase) => database.as<BotTables>()

const parseProfile = createParser(Profile)

/** People as they were when the admin service was last asked. */
export function createPeopleRows(database: AnyDatabase) {
  const tables = tablesOf(database)
  return { ...createReads(tables), ...createWrites(database, tables) }
}

function createReads(tables: Tables) {
  return {
    async get(maxUserId: number): Promise<{ person: Person; fetchedAt: number } | undefined> {
      const row = await tables.kysely
        .selectFrom('bot_people')
        .selectAll()
        .where('max_user_id', '=', maxUserId)
        .executeTakeFirst()
      const profile: unknown = row === undefined ? undefined : JSON.parse(row.profile)
      // What another release kept is asked for again.
      if (row === undefined || !parseProfile.check(profile)) return undefined
      const person: Person = {
        ...profile,
        maxUserId,
        locale: profile.settings.language ?? localeOf(row.locale),
        chatId: row.chat_id ?? undefined,
        reachable: row.unreachable_at === null,
      }
      return { person, fetchedAt: row.fetched_at }
    },

    /** The MAX account that a user was last known to have. */
    async maxUserIdOf(userId: string): Promise<number | undefined> {
      const row = await tables.kysely
        .selectFrom('bot_people')
        .select('max_user_id')
        .where('user_id', '=', userId)
        .orderBy('fetched_at', 'desc')
        .executeTakeFirst()
      return row?.max_user_id
    },
  }
}

function createWrites(database: AnyDatabase, tables: Tables) {
  return {
    /** @param met undefined: we asked, they did not write */
    async keep(maxUserId: number, profile: Profile, at: number, met?: Met): Promise<void> {
      const known = {
        user_id: profile.userId,
        profile: database.json(profile),
        fetched_at: at,
        ...(met?.chatId === undefined ? {} : { chat_id: met.chatId }),
        ...(met === undefined ? {} : { locale: met.locale, unreachable_at: null }),
      }
      const unknown = { chat_id: null, locale: 'ru', unreachable_at: null }
      await database.write(async (trx) => {
        await tables
          .transaction(trx)
          .insertInto('bot_people')
          .values({ max_user_id: maxUserId, ...unknown, ...known })
          .onConflict((conflict) => conflict.column('max_user_id').doUpdateSet(known))
          .execute()
      })
    },

    /** @returns whom it is about */
    async markUnreachable(
      trx: AnyTransaction,
      { chatId, maxUserId }: { chatId?: number; maxUserId?: number },
    ): Promise<number[]> {
      const rows = await tables
        .transaction(trx)
        .updateTable('bot_people')
        .set({ unreachable_at: database.now() })
        .where((where) =>
          where.or([
            ...(chatId === undefined ? [] : [where('chat_id', '=', chatId)]),
            ...(maxUserId === undefined ? [] : [where('max_user_id', '=', maxUserId)]),
          ]),
        )
        .returning('max_user_id')
        .execute()
      return rows.map((row) => row.max_user_id)
    },
  }
}
