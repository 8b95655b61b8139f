import { Type } from '@sinclair/typebox'
import { pageOf } from '@potok/contracts/state'
import { User, UserSettings, type UserChange } from '@potok/contracts/user'
import type { UpstreamRequest, UpstreamResponse } from '@potok/core/http-client'
import { createParser } from '@potok/core/validation'
import { PeopleUnavailable } from './errors.ts'
import type { Contact } from './people.ts'
import { createShortMemory } from './short-memory.ts'

export interface AccountsOptions {
  request: (wanted: UpstreamRequest) => Promise<UpstreamResponse>
  deadlineMs: number
  /** How long the list of people and their names may be old. */
  listMs: number
  now: () => number
}

export type Accounts = ReturnType<typeof createAccounts>

const parseUser = createParser(User)
const parsePage = createParser(pageOf(User))
const parseSettings = createParser(UserSettings)
const parseProblem = createParser(Type.Object({ code: Type.String() }))

/** People of a team that the bot can list; more than a chat can show. */
const PEOPLE_LIMIT = 200
const NAMES_REMEMBERED = 2000
const ALL = 'all'

/** The admin service as the bot uses it. */
export function createAccounts({ request, deadlineMs, listMs, now }: AccountsOptions) {
  const names = createShortMemory<string, string>({
    limit: NAMES_REMEMBERED,
    ttlMs: listMs,
    now,
  })
  const lists = createShortMemory<typeof ALL, User[]>({ limit: 1, ttlMs: listMs, now })

  async function call(wanted: UpstreamRequest, { correlationId, signal }: Contact) {
    try {
      const answer = await request({
        deadlineMs,
        ...wanted,
        headers: { 'x-correlation-id': correlationId, ...wanted.headers },
        ...(signal === undefined ? {} : { signal }),
      })
      const { status } = answer
      if (status >= 500 || status === 429 || status === 401) throw unusable(answer)
      return answer
    } catch (error) {
      throw error instanceof PeopleUnavailable ? error : new PeopleUnavailable({ cause: error })
    }
  }

  /** Reads an answer that must be a success. */
  function read<T>(answer: UpstreamResponse, parse: (value: unknown) => T): T {
    if (answer.status >= 300) throw unusable(answer)
    try {
      return parse(answer.body.json())
    } catch (error) {
      throw new PeopleUnavailable({ cause: error })
    }
  }

  async function list(query: UpstreamRequest['query'], contact: Contact): Promise<User[]> {
    const path = '/api/v1/users'
    const answer = await call({ method: 'GET', path, ...(query && { query }) }, contact)
    return read(answer, parsePage).items
  }

  async function create(
    person: { maxUserId: number; displayName: string },
    contact: Contact,
  ): Promise<User | undefined> {
    const { maxUserId, displayName } = person
    const answer = await call(
      {
        method: 'POST',
        path: '/api/v1/users',
        json: { username: `max${maxUserId}`, displayName, maxUserId, roles: ['member'] },
      },
      contact,
    )
    return answer.status === 409 ? undefined : read(answer, parseUser)
  }

  async function change(id: string, json: UserChange, contact: Contact): Promise<User | undefined> {
    const path = `/api/v1/users/${encodeURIComponent(id)}`
    const answer = await call({ method: 'PATCH', path, json }, contact)
    return answer.status === 404 || answer.status === 409 ? undefined : read(answer, parseUser)
  }

  async function byMaxUserId(maxUserId: number, contact: Contact): Promise<User | undefined> {
    return (await list({ maxUserId, limit: 1 }, contact))[0]
  }

  async function saveSettings(id: string, json: UserSettings, contact: Contact) {
    const path = `/api/v1/users/${encodeURIComponent(id)}/settings`
    return read(await call({ method: 'PUT', path, json }, contact), parseSettings)
  }

  return {
    byMaxUserId,
    change,
    saveSettings,

    /** @throws PeopleUnavailable */
    async register(
      person: { maxUserId: number; displayName: string; locale: 'ru' | 'en' },
      contact: Contact,
    ): Promise<User> {
      const made = await create(person, contact)
      // Refused: another replica was faster, or they had an account before they were linked to another one.
      const user =
        made ??
        (await byMaxUserId(person.maxUserId, contact)) ??
        (await relink(person.maxUserId, contact))
      if (made !== undefined && person.locale === 'en') {
        await saveSettings(made.id, { language: 'en' }, contact)
      }
      return user
    },

    async byId(id: string, contact: Contact): Promise<User | undefined> {
      const path = `/api/v1/users/${encodeURIComponent(id)}`
      const answer = await call({ method: 'GET', path }, contact)
      return answer.status === 404 ? undefined : read(answer, parseUser)
    },

    async settings(id: string, contact: Contact): Promise<UserSettings> {
      const path = `/api/v1/users/${encodeURIComponent(id)}/settings`
      const answer = await call({ method: 'GET', path }, contact)
      return answer.status === 404 ? {} : read(answer, parseSettings)
    },

    /** Active people, by username; at most {@link PEOPLE_LIMIT}. */
    async all(contact: Contact): Promise<User[]> {
      const known = lists.get(ALL)
      if (known !== undefined) return known
      const people = await list({ active: true, limit: PEOPLE_LIMIT }, contact)
      lists.set(ALL, people)
      for (const { id, displayName } of people) names.set(id, displayName)
      return people
    },

    /** How a person is called; undefined when nobody knows, or the admin service is away: a name is comfort. */
    async nameOf(id: string, contact: Contact): Promise<string | undefined> {
      const known = names.get(id)
      if (known !== undefined) return known
      try {
        const path = `/api/v1/users/${encodeURIComponent(id)}`
        const answer = await call({ method: 'GET', path }, contact)
        if (answer.status === 404) return undefined
        const { displayName } = read(answer, parseUser)
        names.set(id, displayName)
        return displayName
      } catch (error) {
        if (error instanceof PeopleUnavailable) return undefined
        throw error
      }
    },

    /** After somebody was changed. */
    forgetLists: (): void => lists.delete(ALL),
  }

  /** The account that the bot once made for them, linked again. */
  async function relink(maxUserId: number, contact: Contact): Promise<User> {
    const [former] = await list({ username: `max${maxUserId}`, limit: 1 }, contact)
    const user = former === undefined ? undefined : await change(former.id, { maxUserId }, contact)
    if (user === undefined) throw new PeopleUnavailable()
    return user
  }
}

function unusable({ status, body }: UpstreamResponse): Error {
  let code = 'unknown'
  try {
    code = parseProblem(body.json()).code
  } catch {
    // Not a problem of ours: the status alone must do.
  }
  return new PeopleUnavailable({ cause: new Error(`The admin service answered ${status} ${code}`) })
}
