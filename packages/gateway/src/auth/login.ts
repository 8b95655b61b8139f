import type { FastifyBaseLogger } from 'fastify'
import type { TokenPair } from '@potok/contracts/auth'
import type { Credentials, User } from '@potok/contracts/user'
import type { Attempt, BackOff } from './back-off.ts'
import { CredentialsRefused, RefreshTokenRefused, TooManyAttempts } from './errors.ts'
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
}

export type Login = ReturnType<typeof createLogin>

/** Opening, continuing and ending sessions. */
export function createLogin(deps: LoginDeps) {
  const { tokens, sessions, people, announce, accessTtlMs } = deps
  const verify = createVerifyPassword(deps)

  const pair = (user: Pick<User, 'id' | 'roles'>, token: RefreshToken): TokenPair => ({
    access_token: tokens.access({ sub: user.id, sid: token.sid, roles: user.roles }),
    refresh_token: tokens.refresh(token),
    token_type: 'Bearer',
    expires_in: Math.floor(accessTtlMs / 1000),
  })

  const end = async (sid: string, userId: string, reason: RevocationReason): Promise<boolean> => {
    const ended = await sessions.end(sid, userId, reason)
    if (ended) announce({ sid, userId })
    return ended
  }

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
        username,
        place,
        userAgent,
      })
      for (const sid of ended) announce({ sid, userId: user.id })
      log.info({ event: 'auth.login', userId: user.id, sid: token.sid }, 'logged in')
      return pair(user, token)
    },

    /**
     * A new pair for a refresh token. The person is looked up before the token is spent, so that an admin service that
     * is down costs nobody their session.
     * @throws RefreshTokenRefused, PersonsUnavailable
     */
    refresh: async (text: string, { context, log }: Client): Promise<TokenPair> => {
      const token = tokens.verifyRefresh(text)
      const { sid } = token
      const { verdict: expected, userId } = await sessions.inspect(token)
      if (userId === undefined || expected === 'refused') throw new RefreshTokenRefused()
      // A copied token is dealt with even while nobody can be asked.
      const user = expected === 'reused' ? undefined : await people.byId(userId, context)
      if (expected !== 'reused' && user?.active !== true) {
        await end(sid, userId, 'person_inactive')
        log.info({ event: 'auth.session_ended', userId, sid }, 'the person is not active any more')
        throw new RefreshTokenRefused()
      }
      const refreshed = await sessions.refresh(token)
      if (refreshed.verdict === 'reused') {
        announce({ sid, userId })
        log.warn(
          { event: 'auth.refresh_token_reused', userId, sid, generation: token.generation },
          'a refresh token was used again: its session was ended',
        )
      }
      if (user === undefined || !('token' in refreshed)) throw new RefreshTokenRefused()
      return pair(user, refreshed.token)
    },
  }
}

/** Asks for the person with this password, not faster than the back-off allows. */
function createVerifyPassword({ sessions, people, backOff }: LoginDeps) {
  return async (credentials: Credentials, client: Client): Promise<User> => {
    const { username } = credentials
    const { place, context, log } = client
    const isKnownPlace = await sessions.isKnownPlace(username, place)
    const attempt: Attempt = { username, place, isKnownPlace }
    const waitMs = await backOff.begin(attempt)
    if (waitMs > 0) {
      log.warn({ event: 'auth.login_slowed', place, waitMs }, 'login slowed down')
      throw tooMany(waitMs)
    }
    const user = await people.verify(credentials, context).catch(async (error: unknown) => {
      await backOff.cancel(attempt)
      throw error
    })
    if (user === undefined) {
      log.info({ event: 'auth.login_refused', place }, 'login refused')
      throw new CredentialsRefused()
    }
    await backOff.succeed(attempt)
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
