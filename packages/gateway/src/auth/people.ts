import { AccessChangePage, User, type Credentials } from '@potok/contracts/user'
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

  /** @param refusals the statuses that mean "no such person" */
  async function ask(
    wanted: Parameters<HttpClient['request']>[0],
    refusals: readonly number[],
  ): Promise<User | undefined> {
    try {
      const { status, body } = await request(wanted)
      if (refusals.includes(status)) return undefined
      if (status !== 200) throw new Error(`The admin service answered ${status}`)
      return parseUser(body.json())
    } catch (error) {
      throw unavailable(error)
    }
  }

  return {
    /** The person with this name and password. @throws PersonsUnavailable */
    verify: (credentials: Credentials, headers: Context): Promise<User | undefined> =>
      ask({ method: 'POST', path: '/api/v1/users/verify', json: credentials, headers }, [401]),

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
      ask({ method: 'GET', path: `/api/v1/users/${encodeURIComponent(id)}`, headers }, [404]),
  }
}
