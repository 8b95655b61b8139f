import { pageOf } from '@potok/contracts/state'
import { User, UserSettings, type UserChange } from '@potok/contracts/user'
import type { UpstreamRequest } from '@potok/core/http-client'
import { createParser } from '@potok/core/validation'
import { PeopleUnavailable } from './errors.ts'
import {
  createServiceCall,
  type Contact,
  type ServiceCall,
  type ServiceCallOptions,
} from './service-call.ts'
import { createShortMemory } from './short-memory.ts'

export interface AccountsOptions extends Pick<ServiceCallOptions, 'request' | 'deadlineMs'> {
  /** How old the list of people and their names may be. */
  listMs: number
  now: () => number
}

export interface NewAccount {
  maxUserId: number
  displayName: string
  locale: 'ru' | 'en'
}

export type Accounts = ReturnType<typeof createAccounts>

const parseUser = createParser(User)
const parsePage = createParser(pageOf(User))
const parseSettings = createParser(UserSettings)

const USERS = '/api/v1/users'
const pathOf = (id: string): string => `${USERS}/${encodeURIComponent(id)}`

/** People of a team that the bot can list; more than a chat can show. */
const PEOPLE_LIMIT = 200
const NAMES_REMEMBERED = 2000
const EVERYBODY = 'everybody'

/** The admin service as the bot uses it. Every method throws `PeopleUnavailable` when it cannot be used. */
export function createAccounts({ request, deadlineMs, listMs, now }: AccountsOptions) {
  const service = createServiceCall({
    request,
    deadlineMs,
    name: 'admin',
    unavailable: (cause) => new PeopleUnavailable({ cause }),
  })
  const single = createSingle(service)
  const registration = createRegistration(service, single)
  return { ...single, ...registration, ...createDirectory(single, { ttlMs: listMs, now }) }
}

type Single = ReturnType<typeof createSingle>

function createSingle({ call, read, find }: ServiceCall) {
  const list = async (query: UpstreamRequest['query'], contact: Contact): Promise<User[]> =>
    (await find({ path: USERS, ...(query && { query }) }, parsePage, contact))?.items ?? []

  return {
    list,
    byMaxUserId: async (maxUserId: number, contact: Contact): Promise<User | undefined> =>
      (await list({ maxUserId, limit: 1 }, contact))[0],
    byId: (id: string, contact: Contact): Promise<User | undefined> =>
      find({ path: pathOf(id) }, parseUser, contact),
    settings: async (id: string, contact: Contact): Promise<UserSettings> =>
      (await find({ path: `${pathOf(id)}/settings` }, parseSettings, contact)) ?? {},

    /** Replaces them as a whole. */
    async saveSettings(id: string, json: UserSettings, contact: Contact): Promise<UserSettings> {
      const path = `${pathOf(id)}/settings`
      return read(await call({ method: 'PUT', path, json }, contact), parseSettings)
    },

    /** @returns undefined when there is no such person, or somebody else has what they should get */
    async change(id: string, json: UserChange, contact: Contact): Promise<User | undefined> {
      const answer = await call({ method: 'PATCH', path: pathOf(id), json }, contact)
      return answer.status === 404 || answer.status === 409 ? undefined : read(answer, parseUser)
    },
  }
}

function createRegistration({ call, read }: ServiceCall, single: Single) {
  async function create(
    { maxUserId, displayName }: NewAccount,
    contact: Contact,
  ): Promise<User | undefined> {
    const json = { username: `max${maxUserId}`, displayName, maxUserId, roles: ['member'] }
    const answer = await call({ method: 'POST', path: USERS, json }, contact)
    return answer.status === 409 ? undefined : read(answer, parseUser)
  }

  /** The account that the bot once made for them, linked again. */
  async function relink({ maxUserId }: NewAccount, contact: Contact): Promise<User> {
    const [former] = await single.list({ username: `max${maxUserId}`, limit: 1 }, contact)
    const user =
      former === undefined ? undefined : await single.change(former.id, { maxUserId }, contact)
    if (user === undefined) throw new PeopleUnavailable()
    return user
  }

  return {
    /** Makes an account for somebody of MAX, with the role member. */
    async register(account: NewAccount, contact: Contact): Promise<User> {
      const made = await create(account, contact)
      // Refused: another replica was faster, or they had an account before they were linked to another one.
      if (made === undefined) {
        return (await single.byMaxUserId(account.maxUserId, contact)) ?? relink(account, contact)
      }
      if (account.locale === 'en') await single.saveSettings(made.id, { language: 'en' }, contact)
      return made
    },
  }
}

function createDirectory(single: Single, { ttlMs, now }: { ttlMs: number; now: () => number }) {
  const names = createShortMemory<string, string>({ limit: NAMES_REMEMBERED, ttlMs, now })
  const lists = createShortMemory<typeof EVERYBODY, User[]>({ limit: 1, ttlMs, now })

  return {
    /** Active people, by username; at most {@link PEOPLE_LIMIT}. */
    async all(contact: Contact): Promise<User[]> {
      const known = lists.get(EVERYBODY)
      if (known !== undefined) return known
      const people = await single.list({ active: true, limit: PEOPLE_LIMIT }, contact)
      lists.set(EVERYBODY, people)
      for (const { id, displayName } of people) names.set(id, displayName)
      return people
    },

    /** How a person is called; undefined when nobody knows, or the admin service is away: a name is comfort. */
    async nameOf(id: string, contact: Contact): Promise<string | undefined> {
      const known = names.get(id)
      if (known !== undefined) return known
      try {
        const user = await single.byId(id, contact)
        if (user !== undefined) names.set(id, user.displayName)
        return user?.displayName
      } catch (error) {
        if (error instanceof PeopleUnavailable) return undefined
        throw error
      }
    },

    /** After somebody was changed. */
    forgetLists: (): void => lists.delete(EVERYBODY),
  }
}
