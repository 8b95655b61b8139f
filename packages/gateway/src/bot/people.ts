import type { User, UserSettings } from '@potok/contracts/user'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import type { Accounts } from './accounts.ts'
import { PeopleUnavailable } from './errors.ts'
import { createPeopleRows, type PeopleRows, type Person, type Profile } from './people-rows.ts'
import type { MaxUser } from './schemas.ts'
import type { Contact } from './service-call.ts'
import { createShortMemory } from './short-memory.ts'
import { localeOf } from './texts/index.ts'

export type { Person } from './people-rows.ts'

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

/** Somebody writes. */
export interface Meeting {
  sender: MaxUser
  userLocale: string | undefined
  /** The dialog, when it is one. */
  chatId: number | undefined
  /** They come, or come back: what was known of them may be over. */
  isComing: boolean
}

export type People = ReturnType<typeof createPeople>

/** Who the people of the chats are in the admin service; new ones are registered. */
export function createPeople(options: PeopleOptions) {
  const { database, accounts, freshMs: ttlMs, staleMs, now, remembered: limit } = options
  const rows = createPeopleRows(database)
  const memory = createShortMemory<number, Person>({ limit, ttlMs, now })

  /** What we knew when the admin service last answered, unless that is too long ago. */
  async function lastKnown(maxUserId: number, error: unknown): Promise<Person> {
    if (!(error instanceof PeopleUnavailable)) throw error
    const known = await rows.get(maxUserId)
    if (known === undefined || now() - known.fetchedAt > staleMs) throw error
    return known.person
  }

  return {
    /**
     * Who writes. Registers them when they are new.
     * @throws PeopleUnavailable the admin service is away and they are new, or were last seen too long ago
     */
    async meet(meeting: Meeting, contact: Contact): Promise<Person> {
      const maxUserId = meeting.sender.user_id
      const fresh = memory.get(maxUserId)
      const isSameDialog = meeting.chatId === undefined || fresh?.chatId === meeting.chatId
      if (fresh?.reachable === true && isSameDialog && !meeting.isComing) return fresh
      try {
        const person = await fetchPerson(options, rows, meeting, contact)
        memory.set(maxUserId, person)
        return person
      } catch (error) {
        return lastKnown(maxUserId, error)
      }
    },

    /** Somebody to be told something; undefined when they have no MAX account. @throws PeopleUnavailable */
    async toTell(userId: string, contact: Contact): Promise<Person | undefined> {
      try {
        const user = await accounts.byId(userId, contact)
        if (user?.maxUserId === undefined) return undefined
        const profile = profileOf(user, await accounts.settings(userId, contact))
        await rows.keep(user.maxUserId, profile, now())
        return (await rows.get(user.maxUserId))?.person
      } catch (error) {
        const maxUserId = await rows.maxUserIdOf(userId)
        if (maxUserId === undefined) throw error
        return lastKnown(maxUserId, error)
      }
    },

    /** As we know them, without asking. */
    known: async (maxUserId: number): Promise<Person | undefined> =>
      (await rows.get(maxUserId))?.person,

    /** After a change of the account: ask again. */
    forget: (maxUserId: number): void => memory.delete(maxUserId),

    /** MAX does not let us write to them; until they write again nothing is sent. */
    async markUnreachable(
      trx: AnyTransaction,
      whom: { chatId?: number; maxUserId?: number },
    ): Promise<void> {
      const marked = await rows.markUnreachable(trx, whom)
      database.afterCommit(trx, () => {
        for (const maxUserId of marked) memory.delete(maxUserId)
      })
    },
  }
}

/** Asks the admin service, registers who is new, and keeps what it said. */
async function fetchPerson(
  { accounts, now }: PeopleOptions,
  rows: PeopleRows,
  { sender, userLocale, chatId }: Meeting,
  contact: Contact,
): Promise<Person> {
  const maxUserId = sender.user_id
  const locale = localeOf(userLocale)
  const displayName = displayNameOf(sender)
  const user =
    (await accounts.byMaxUserId(maxUserId, contact)) ??
    (await accounts.register({ maxUserId, displayName, locale }, contact))
  const profile = profileOf(user, await accounts.settings(user.id, contact))
  await rows.keep(maxUserId, profile, now(), { locale, chatId })
  const known = (await rows.get(maxUserId))?.person
  const language = profile.settings.language ?? locale
  return known ?? { ...profile, maxUserId, locale: language, chatId, reachable: true }
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

/** First and last name as the platform gives them. */
export function displayNameOf({ first_name, last_name, name, user_id }: MaxUser): string {
  const full = [first_name, last_name].filter(Boolean).join(' ').trim() || name?.trim()
  return (full || `MAX ${user_id}`).replaceAll('\0', '').toWellFormed().slice(0, 128)
}
