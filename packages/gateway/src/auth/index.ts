/**
 * Auth: who calls. Login, refresh and sessions under `/api/v1/auth`; `app.requireUser` guards a route and sets
 * `request.principal`; `app.auth` is for doors that are no HTTP routes (sockets, the bot).
 */
import type { FastifyInstance, FastifyReply, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { createAccessChanges } from './access-changes.ts'
import { createBackOff, type Curve } from './back-off.ts'
import { createBearerGuard, createIdentify, createVerify } from './bearer.ts'
import { createLinkCodes, type KeepSpent } from './link-codes.ts'
import { createLogin, tooMany } from './login.ts'
import { authMetrics } from './metrics.ts'
import { createChangePassword } from './password-change.ts'
import { createPeople } from './people.ts'
import { createRevocations, type RevocationListener } from './revocations.ts'
import { routes } from './routes.ts'
import { createSessions } from './sessions.ts'
import { registerSigners } from './signers.ts'
import { createTokens, type Principal } from './tokens.ts'

export interface AuthOptions {
  /** `JWT_SECRET`: the current secret, then those that are still believed. */
  accessSecrets: string
  accessTtlMs: number
  /** `JWT_REFRESH_SECRET`, likewise. */
  refreshSecrets: string
  refreshTtlMs: number
  /** Between two looks for sessions that ended on other replicas. Default 500. */
  revocationPollMs?: number
  /** Without a successful look for so long nobody is let in. Default 30 000. */
  revocationStaleMs?: number
  /** Between two looks for people whose access changed at the admin service. Undefined: nobody looks. */
  accessPollMs?: number
  /** How long a refresh token's parent is answered with the same child. Default 10 000. */
  parentGraceMs?: number
  /** Default 10 minutes. */
  linkCodeTtlMs?: number
  /** Living sessions of one person. Default 50. */
  sessionsPerUser?: number
  backOff?: { name?: Curve; ip?: Curve; floodThreshold?: number; memoryMs?: number }
  /** Between two deletions of what is too old to matter. Default one hour. */
  purgeMs?: number
}

interface Auth {
  /** Ends all sessions of a person, given by id or name, on all replicas. @returns how many */
  endSessionsOf: (person: { id: string } | { username: string }) => Promise<number>
  /** Whom an access token stands for. @throws TokenInvalid, TokenExpired, SessionEnded (401), RevocationsStale (503) */
  verify: (token: string) => Principal
  /** Whether a session ended before its time, for those who let its person in and go on for long. */
  isEnded: (sid: string) => boolean
  /** Tells of every session that ends before its time, on whichever replica. @returns a function that ends the listening */
  onRevoked: (listener: RevocationListener) => () => void
  /** Looks for sessions that ended on other replicas now, instead of with the next poll. */
  lookForRevocations: () => void
  /**
   * Whose link code it is, once; undefined when it is nobody's or too old.
   * @param by who says it, such as `max:5001002`: guesses are slowed by this
   * @param keep stores in the same transaction that it was spent
   * @throws TooManyAttempts
   */
  redeemLinkCode: (code: string, by: string, keep?: KeepSpent) => Promise<string | undefined>
}

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal
  }
  interface FastifyInstance {
    auth: Auth
    /** Sets `request.principal`; throws what `auth.verify` does, and TokenMissing (401). */
    identify: (request: FastifyRequest, reply: FastifyReply) => void
    /** The same for `onRequest` of a route. */
    requireUser: onRequestHookHandler
  }
}

/** As long as a write of the database may take: so late the end of a session may become visible. */
const REVOCATION_OVERLAP_MS = 15_000
/** While the admin service does not answer. */
const ACCESS_MAX_PAUSE_MS = 15_000

async function createParts(app: FastifyInstance, options: AuthOptions) {
  const { accessTtlMs, refreshTtlMs, accessSecrets, refreshSecrets } = options
  const log = app.log.child({ context: 'AuthModule' })
  const database = app.store
  const tokens = createTokens({
    access: await registerSigners(app, {
      kind: 'access',
      secrets: accessSecrets,
      variable: 'JWT_SECRET',
      ttlMs: accessTtlMs,
    }),
    refresh: await registerSigners(app, {
      kind: 'refresh',
      secrets: refreshSecrets,
      variable: 'JWT_REFRESH_SECRET',
    }),
    refreshTtlMs,
  })
  const sessions = createSessions({
    database,
    refreshTtlMs,
    accessTtlMs,
    parentGraceMs: options.parentGraceMs ?? 10_000,
    perUser: options.sessionsPerUser ?? 50,
  })
  const revocations = createRevocations({
    load: sessions.revokedSince,
    accessTtlMs,
    pollMs: options.revocationPollMs ?? 500,
    overlapMs: REVOCATION_OVERLAP_MS,
    staleAfterMs: options.revocationStaleMs ?? 30_000,
    log,
  })
  const backOff = createBackOff({
    database,
    name: { free: 5, baseMs: 1000, maxMs: 30_000 },
    ip: { free: 20, baseMs: 1000, maxMs: 60_000 },
    floodThreshold: 100,
    memoryMs: 15 * 60_000,
    ...options.backOff,
  })
  const linkCodes = createLinkCodes({ database, ttlMs: options.linkCodeTtlMs ?? 10 * 60_000 })
  const people = createPeople(app.upstreams.admin)
  const metrics = authMetrics(app.registry)
  const { announce } = revocations
  revocations.onRevoked(() => metrics.sessionEnded())
  const login = createLogin({
    tokens,
    sessions,
    people,
    backOff,
    announce,
    accessTtlMs,
    metrics,
  })
  const changePassword = createChangePassword({ people, sessions, backOff, login })
  return { log, tokens, sessions, revocations, backOff, linkCodes, people, login, changePassword }
}

type Parts = Awaited<ReturnType<typeof createParts>>

/** Link codes are guessed like passwords, so they are slowed like them. */
function createRedeem({ backOff, linkCodes }: Parts): Auth['redeemLinkCode'] {
  return async (code, by, keep = async () => undefined) => {
    const attempt = { username: `link:${by}`, place: by, isKnownPlace: false }
    const waitMs = await backOff.begin(attempt)
    if (waitMs > 0) throw tooMany(waitMs)
    const userId = await linkCodes.redeem(code, keep)
    if (userId !== undefined) await backOff.succeed(attempt)
    return userId
  }
}

/** Follows the admin service once the process is up: it may be down, and nobody waits for it. */
function followAccess(app: FastifyInstance, { people, login, log }: Parts, pollMs: number): void {
  const changes = createAccessChanges({
    people,
    endOlder: login.endOlder,
    pollMs,
    maxPauseMs: Math.max(pollMs, ACCESS_MAX_PAUSE_MS),
    overlapMs: REVOCATION_OVERLAP_MS,
    log,
  })
  app.addHook('onListen', async () => changes.start())
  app.addHook('preClose', () => changes.stop())
}

async function startUpkeep(app: FastifyInstance, parts: Parts, purgeMs: number): Promise<void> {
  const { revocations, sessions, backOff, log } = parts
  await revocations.start()
  const purge = setInterval(() => {
    Promise.all([sessions.purge(), backOff.purge()]).catch((err: unknown) => {
      log.error({ err }, 'old sessions could not be deleted')
    })
  }, purgeMs)
  app.addHook('onClose', async () => {
    clearInterval(purge)
    revocations.stop()
  })
}

export default fp<AuthOptions>(
  async (app, options) => {
    const parts = await createParts(app, options)
    const verify = createVerify(parts)
    app.decorateRequest('principal')
    const identify = createIdentify(verify)
    app.decorate('identify', identify)
    app.decorate('requireUser', createBearerGuard(identify))
    app.decorate('auth', {
      verify,
      endSessionsOf: parts.login.endAll,
      isEnded: parts.revocations.isEnded,
      onRevoked: parts.revocations.onRevoked,
      lookForRevocations: () => parts.revocations.lookNow(),
      redeemLinkCode: createRedeem(parts),
    })
    await startUpkeep(app, parts, options.purgeMs ?? 3_600_000)
    if (options.accessPollMs !== undefined) followAccess(app, parts, options.accessPollMs)
    await app.register(routes, { prefix: '/api/v1/auth', ...parts })
  },
  {
    name: '@potok/gateway-auth',
    fastify: '5.x',
    dependencies: ['@potok/gateway-store', '@potok/gateway-upstreams', '@potok/access'],
  },
)
