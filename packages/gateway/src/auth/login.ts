import type { FastifyBaseLogger } from 'fastify'
import type { TokenPair } from '@potok/contracts/auth'
import type { Credentials, User } from '@potok/contracts/user'
import type { Attempt, BackOff } from './back-off.ts'
import { CredentialsRefused, RefreshTokenRefused, TooManyAttempts } from './errors.ts'
import type { AuthMetrics } from './metrics.ts'
import type { Context, People } from './people.ts'
import type { RevocationReason } from './session-rows.ts'
import type { Sessions } from './sessions.ts'
import type { RefreshToken, Tokens } from './tokens.ts'

/** Who asks, beside what they say. */
export interface Client {
  /** Network of the client: an IPv4 address or an IPv6 /64. */
  place: string
  userAgent: string
  /** Headers that carry correlation and trace. */
  context: Context
  log: FastifyBaseLogger
}

export interface LoginDeps {
  tokens: Tokens
  sessions: Sessions
  people: People
  backOff: BackOff
  /** Makes the end of a session effective on this replica. */
  announce: (revocation: { sid: string; userId: string }) => void
  accessTtlMs: number
  metrics: Pick<AuthMetrics, 'login' | 'refresh'>
}

type End = (sid: string, userId: string, reason: RevocationReason) => Promise<boolean>

export type Login = ReturnType<typeof createLogin>

/** Opening, continuing and ending sessions. */
export function createLogin(deps: LoginDeps) {
  const { tokens, sessions, announce, accessTtlMs } = deps
  const verify = createVerifyPassword(deps)

  const pair = (user: Pick<User, 'id' | 'roles'>, token: RefreshToken): TokenPair => ({
    access_token: tokens.access({ sub: user.id, sid: token.sid, roles: user.roles }),
    refresh_token: tokens.refresh(token),
    token_type: 'Bearer',
    expires_in: Math.floor(accessTtlMs / 1000),
  })

  const end: End = async (sid, userId, reason) => {
    const ended = await sessions.end(sid, userId, reason)
    if (ended) announce({ sid, userId })
    return ended
  }
  const exchange = createExchange(deps, end)

  return {
    /** Ends a session. @returns false when it has ended before, or is not that person's */
    end,

    /** @throws CredentialsRefused, TooManyAttempts, PersonsUnavailable */
    login: async (credentials: Credentials, client: Client): Promise<TokenPair> => {
      const { place, userAgent, log } = client
      const username = credentials.username.toLowerCase()
      const user = await verify({ ...credentials, username }, client)
      const { token, ended } = await sessions.create({
        userId: user.id,
        userVersion: user.version,
        username,
        place,
        userAgent,
      })
      for (const sid of ended) announce({ sid, userId: user.id })
      log.info({ event: 'auth.login', userId: user.id, sid: token.sid }, 'logged in')
      return pair(user, token)
    },

    /** Ends all sessions of a person, given by id or name. @returns how many */
    endAll: async (person: { id: string } | { username: string }): Promise<number> => {
      const ended = await sessions.endAll(person)
      for (const { id, user_id: userId } of ended) announce({ sid: id, userId })
      return ended.length
    },

    /** Ends the sessions that a person opened before this version of theirs. @returns how many */
    endOlder: async (userId: string, version: number): Promise<number> => {
      const ended = await sessions.endOlder(userId, version)
      for (const sid of ended) announce({ sid, userId })
      return ended.length
    },

    /**
     * A new pair for a refresh token.
     * @throws RefreshTokenRefused, PersonsUnavailable
     */
    refresh: async (text: string, client: Client): Promise<TokenPair> => {
      const { user, token } = await exchange(tokens.verifyRefresh(text), client)
      return pair(user, token)
    },
  }
}

/**
 * Exchanges a refresh token. The person is looked up before the token is spent, so that an admin service that is down
 * costs nobody their session.
 */
function createExchange(deps: LoginDeps, end: End) {
  const { sessions, people, announce, metrics } = deps

  async function personOf(userId: string, { sid }: RefreshToken, { context, log }: Client) {
    const user = await people.byId(userId, context).catch((error: unknown) => {
      metrics.refresh('unavailable')
      throw error
    })
    if (user?.active === true) return user
    await end(sid, userId, 'person_inactive')
    log.info({ event: 'auth.session_ended', userId, sid }, 'the person is not active any more')
    return refuse('refused')
  }

  function refuse(outcome: 'refused' | 'reused'): never {
    metrics.refresh(outcome)
    throw new RefreshTokenRefused()
  }

  return async (token: RefreshToken, client: Client) => {
    const { sid, generation } = token
    const { verdict: expected, userId } = await sessions.inspect(token)
    if (userId === undefined || expected === 'refused') return refuse('refused')
    // A copied token is dealt with even while nobody can be asked.
    const user = expected === 'reused' ? undefined : await personOf(userId, token, client)
    const refreshed = await sessions.refresh(token)
    if (refreshed.verdict === 'reused') {
      announce({ sid, userId })
      client.log.warn(
        { event: 'auth.refresh_token_reused', userId, sid, generation },
        'a refresh token was used again: its session was ended',
      )
      return refuse('reused')
    }
    if (user === undefined || !('token' in refreshed)) return refuse('refused')
    metrics.refresh(refreshed.verdict)
    return { user, token: refreshed.token }
  }
}

/** Asks for the person with this password, not faster than the back-off allows. */
function createVerifyPassword({ sessions, people, backOff, metrics }: LoginDeps) {
  return async (credentials: Credentials, client: Client): Promise<User> => {
    const { username } = credentials
    const { place, context, log } = client
    const isKnownPlace = await sessions.isKnownPlace(username, place)
    const attempt: Attempt = { username, place, isKnownPlace }
    const waitMs = await backOff.begin(attempt)
    if (waitMs > 0) {
      metrics.login('slowed')
      log.warn({ event: 'auth.login_slowed', place, waitMs }, 'login slowed down')
      throw tooMany(waitMs)
    }
    const user = await people.verify(credentials, context).catch(async (error: unknown) => {
      metrics.login('unavailable')
      await backOff.cancel(attempt)
      throw error
    })
    if (user === undefined) {
      metrics.login('refused')
      log.info({ event: 'auth.login_refused', place }, 'login refused')
      throw new CredentialsRefused()
    }
    await backOff.succeed(attempt)
    metrics.login('accepted')
    return user
  }
}

/** @param waitMs until another attempt may be made */
export function tooMany(waitMs: number): Error {
  return Object.assign(new TooManyAttempts(), {
    reason: 'rate_limited',
    retryAfterSeconds: waitMs / 1000,
  })
}
