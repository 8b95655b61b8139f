import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { createParser } from '@potok/core/validation'
import { Type, type Static } from '@sinclair/typebox'
import { Role, UserSettings, type User } from '@potok/contracts/user'
import type { Accounts } from './accounts.ts'
import { PeopleUnavailable } from './errors.ts'
import { createShortMemory } from './short-memory.ts'
import type { MaxUser } from './schemas.ts'
import type { BotTables } from './tables.ts'
import { localeOf, type Locale } from './texts/index.ts'

/** What is kept of a person for the time that the admin service is away. */
const Profile = Type.Object({
  userId: Type.String(),
  username: Type.String(),
  displayName: Type.String(),
  roles: Type.Array(Role),
  timeZone: Type.String(),
  active: Type.Boolean(),
  settings: UserSettings,
})
type Profile = Static<typeof Profile>
const parseProfile = createParser(Profile)

/** Somebody who writes to the bot, or is told something by it. */
export interface Person extends Profile {
  maxUserId: number
  locale: Locale
  /** The dialog with the bot; undefined until they wrote in it. */
  chatId: number | undefined
  reachable: boolean
}

export interface PeopleOptions {
  database: AnyDatabase
  accounts: Accounts
  /** How long what the admin service said is taken as it is. */
  freshMs: number
  /** How long it is still used while the admin service is away. */
  staleMs: number
  /** People kept in memory. */
  remembered: number
  now: () => number
}

export type People = ReturnType<typeof createPeople>
export type Contact = { correlationId: string; signal?: AbortSignal }

interface Meeting {
  sender: MaxUser
  userLocale: string | undefined
  /** The dialog, when it is one. */
  chatId: number | undefined
}

/** Who the people of the chats are in the admin service; new ones are registered. */
export function createPeople(options: PeopleOptions) {
  const { database, accounts, freshMs, staleMs, now } = options
  const tables = database.as<BotTables>()
  const memory = createShortMemory<number, Person>({
    limit: options.remembered,
    ttlMs: freshMs,
    now,
  })

  async function stored(maxUserId: number) {
    const row = await tables.kysely
      .selectFrom('bot_people')
      .selectAll()
      .where('max_user_id', '=', maxUserId)
      .executeTakeFirst()
    if (row === undefined) return undefined
    const profile: unknown = JSON.parse(row.profile)
    if (!parseProfile.check(profile)) return undefined
    const person: Person = {
      ...profile,
      maxUserId,
      locale: profile.settings.language ?? localeOf(row.locale),
      chatId: row.chat_id ?? undefined,
      reachable: row.unreachable_at === null,
    }
    return { person, fetchedAt: row.fetched_at }
  }

  async function keep(
    profile: Profile,
    maxUserId: number,
    met: { locale: Locale; chatId: number | undefined } | undefined,
  ): Promise<void> {
    const known = {
      user_id: profile.userId,
      profile: database.json(profile),
      fetched_at: now(),
      ...(met?.chatId === undefined ? {} : { chat_id: met.chatId }),
      ...(met === undefined ? {} : { locale: met.locale, unreachable_at: null }),
    }
    await database.write(async (trx) => {
      await tables.transaction(trx)
        .insertInto('bot_people')
        .values({
          max_user_id: maxUserId,
          chat_id: null,
          locale: 'ru',
          unreachable_at: null,
          ...known,
        })
        .onConflict((conflict) => conflict.column('max_user_id').doUpdateSet(known))
        .execute()
    })
  }

  const profileOf = (user: User, settings: UserSettings): Profile => ({
    userId: user.id,
    username: user.username,
    displayName: user.displayName,
    roles: user.roles,
    timeZone: user.timeZone,
    active: user.active,
    settings,
  })

  /** What we knew when the admin service last answered, unless that is too long ago. */
  async function remembered(maxUserId: number, error: unknown): Promise<Person> {
    const known = await stored(maxUserId)
    if (known === undefined || now() - known.fetchedAt > staleMs) {
      throw error instanceof PeopleUnavailable ? error : new PeopleUnavailable({ cause: error })
    }
    return known.person
  }

  async function fetch(meeting: Meeting, contact: Contact): Promise<Person> {
    const { sender, userLocale, chatId } = meeting
    const maxUserId = sender.user_id
    const locale = localeOf(userLocale)
    const user =
      (await accounts.byMaxUserId(maxUserId, contact)) ??
      (await accounts.register({ maxUserId, displayName: displayNameOf(sender), locale }, contact))
    const profile = profileOf(user, await accounts.settings(user.id, contact))
    await keep(profile, maxUserId, { locale, chatId })
    const known = await stored(maxUserId)
    return (
      known?.person ?? {
        ...profile,
        maxUserId,
        locale: profile.settings.language ?? locale,
        chatId,
        reachable: true,
      }
    )
  }

  return {
    /**
     * Who writes. Registers them when they are new.
     * @throws PeopleUnavailable the admin service is away and they are new, or were last seen too long ago
     */
    async meet(meeting: Meeting, contact: Contact): Promise<Person> {
      const maxUserId = meeting.sender.user_id
      const fresh = memory.get(maxUserId)
      const sameDialog = meeting.chatId === undefined || fresh?.chatId === meeting.chatId
      if (fresh !== undefined && fresh.reachable && sameDialog) return fresh
      let person: Person
      try {
        person = await fetch(meeting, contact)
      } catch (error) {
        if (!(error instanceof PeopleUnavailable)) throw error
        return remembered(maxUserId, error)
      }
      memory.set(maxUserId, person)
      return person
    },

    /** Somebody to be told something; undefined when they have no MAX account. @throws PeopleUnavailable */
    async toTell(userId: string, contact: Contact): Promise<Person | undefined> {
      const row = await tables.kysely
        .selectFrom('bot_people')
        .select('max_user_id')
        .where('user_id', '=', userId)
        .orderBy('fetched_at', 'desc')
        .executeTakeFirst()
      try {
        const user = await accounts.byId(userId, contact)
        if (user?.maxUserId === undefined) return undefined
        await keep(
          profileOf(user, await accounts.settings(userId, contact)),
          user.maxUserId,
          undefined,
        )
        return (await stored(user.maxUserId))?.person
      } catch (error) {
        if (!(error instanceof PeopleUnavailable) || row === undefined) throw error
        return remembered(row.max_user_id, error)
      }
    },

    /** As we know them, without asking. */
    known: async (maxUserId: number): Promise<Person | undefined> =>
      (await stored(maxUserId))?.person,

    /** After a change of the account: ask again. */
    forget: (maxUserId: number): void => memory.delete(maxUserId),

    /** MAX does not let us write to them; until they write again nothing is sent. */
    async markUnreachable(
      trx: AnyTransaction,
      { chatId, maxUserId }: { chatId?: number; maxUserId?: number },
    ): Promise<void> {
      const rows = await tables.transaction(trx)
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
      database.afterCommit(trx, () => {
        for (const row of rows) memory.delete(row.max_user_id)
      })
    },
  }
}

/** First and last name as the platform gives them. */
export function displayNameOf({ first_name, last_name, name, user_id }: MaxUser): string {
  const full = [first_name, last_name].filter(Boolean).join(' ').trim() || name?.trim()
  return (full || `MAX ${user_id}`).replaceAll('\0', '').toWellFormed().slice(0, 128)
}
