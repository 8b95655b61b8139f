import {
  AccessChangePage,
  User,
  type Credentials,
  type PasswordChange,
} from '@potok/contracts/user'
import { isUpstreamError, type HttpClient } from '@potok/core/http-client'
import { createParser } from '@potok/core/validation'
import { PersonsUnavailable } from './errors.ts'

const parseUser = createParser(User)
const parseAccessChanges = createParser(AccessChangePage)

/** When the admin service does not say when to come back. */
const RETRY_AFTER_SECONDS = 5
/** It is asked again soon. */
const ACCESS_CHANGES_DEADLINE_MS = 2000

export type Context = Record<string, string>
export type People = ReturnType<typeof createPeople>

/** The people as the admin service knows them. Distinguishes "no" from "nobody answered": the latter is no refusal. */
export function createPeople({ request }: Pick<HttpClient, 'request'>) {
  function unavailable(cause: unknown): Error {
    return Object.assign(new PersonsUnavailable({ cause }), {
      reason: isUpstreamError(cause) ? cause.reason : 'upstream_bad_response',
      retryAfterSeconds: (isUpstreamError(cause) && cause.retryAfterSeconds) || RETRY_AFTER_SECONDS,
    })
  }

  type Answer = Awaited<ReturnType<HttpClient['request']>>

  /**
   * What `read` makes of the answer; undefined when it is a refusal.
   * @param refusals the statuses that mean "no"
   */
  async function ask<T>(
    wanted: Parameters<HttpClient['request']>[0],
    refusals: readonly number[],
    read: (body: Answer['body']) => T,
  ): Promise<T | undefined> {
    try {
      const { status, body } = await request(wanted)
      if (refusals.includes(status)) return undefined
      if (status !== 200 && status !== 204) {
        throw new Error(`The admin service answered ${status}`)
      }
      return read(body)
    } catch (error) {
      throw unavailable(error)
    }
  }

  const readUser = (body: Answer['body']): User => parseUser(body.json())

  return {
    /** The person with this name and password. @throws PersonsUnavailable */
    verify: (credentials: Credentials, headers: Context): Promise<User | undefined> =>
      ask(
        { method: 'POST', path: '/api/v1/users/verify', json: credentials, headers },
        [401],
        readUser,
      ),

    /** Whether the current password was the right one. @throws PersonsUnavailable */
    async changePassword(id: string, json: PasswordChange, headers: Context): Promise<boolean> {
      const path = `/api/v1/users/${encodeURIComponent(id)}/password`
      const actor = { 'x-actor': `user:${id}`, 'x-actor-scope': 'own' }
      const wanted = { method: 'POST', path, json, headers: { ...headers, ...actor } } as const
      return (await ask(wanted, [403], () => true)) === true
    },

    /**
     * A page of changes of somebody's access since then, oldest first; without `since` all that are remembered.
     * Rejects when the admin service does not answer with one.
     */
    async accessChanges(query: { since?: string; cursor?: string }): Promise<AccessChangePage> {
      const path = '/api/v1/users/access-changes'
      const { status, body } = await request({
        method: 'GET',
        path,
        query,
        deadlineMs: ACCESS_CHANGES_DEADLINE_MS,
      })
      if (status !== 200) throw new Error(`The admin service answered ${status}`)
      return parseAccessChanges(body.json())
    },

    /** The person, active or not. @throws PersonsUnavailable */
    byId: (id: string, headers: Context): Promise<User | undefined> =>
      ask(
        { method: 'GET', path: `/api/v1/users/${encodeURIComponent(id)}`, headers },
        [404],
        readUser,
      ),
  }
}
