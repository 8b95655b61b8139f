import { createHash, randomBytes } from 'node:crypto'
import { Type, type Static } from '@sinclair/typebox'
import type { JWT } from '@fastify/jwt'
import { AccessClaims } from '@potok/contracts/auth'
import type { Role } from '@potok/contracts/user'
import { createParser } from '@potok/core/validation'
import { createBelieved } from './believed.ts'
import { RefreshTokenRefused, TokenExpired, TokenInvalid } from './errors.ts'

/** Whoever a good access token stands for. */
export interface Principal {
  id: string
  roles: readonly Role[]
  /** The session. */
  sid: string
  /** Epoch milliseconds. */
  expiresAt: number
}

/** What a refresh token says. The token of a generation is always the same text, so it can be made again. */
export interface RefreshToken {
  sid: string
  generation: number
  /** Made of the parent's: whoever has the parent can be given the child again, and nobody stores either. */
  seed: string
  /** Epoch milliseconds of its making. */
  issuedAt: number
}

const RefreshClaims = Type.Object({
  sid: Type.String({ minLength: 1 }),
  gen: Type.Integer({ minimum: 1 }),
  jti: Type.String({ minLength: 1 }),
  iat: Type.Integer(),
})
type RefreshClaims = Static<typeof RefreshClaims>

const parseAccess = createParser(AccessClaims)
const parseRefresh = createParser(RefreshClaims)

type Signed = Pick<JWT, 'sign' | 'verify'>

/** The current secret first; every secret verifies, the current one signs. */
export interface TokensOptions {
  access: readonly Signed[]
  refresh: readonly Signed[]
  /** How long a refresh token is good, milliseconds. */
  refreshTtlMs: number
  /** Epoch milliseconds. */
  now?: () => number
}

/** Good access tokens that are remembered: a busy client costs one HMAC a token and not one a request. */
const BELIEVED_TOKENS = 2000

const digest = (domain: string, text: string): string =>
  createHash('sha256').update(`${domain}:${text}`).digest('base64url')

/** What the store keeps of a refresh token: it neither gives the token nor its successor away. */
export const digestOf = ({ seed }: Pick<RefreshToken, 'seed'>): string => digest('stored', seed)

/** The seed of the refresh token that follows. */
export const nextSeed = (seed: string): string => digest('next', seed)

export const newSeed = (): string => randomBytes(24).toString('base64url')

function isExpired(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'FAST_JWT_EXPIRED'
}

/** Tries the secrets in their order. @throws the last error, or the one that says "expired" */
function verified(signers: readonly Signed[], token: string): unknown {
  let refusal: unknown
  for (const signer of signers) {
    try {
      return signer.verify(token)
    } catch (error) {
      // The signature is right, so that no other secret can say anything else.
      if (isExpired(error)) throw error
      refusal = error
    }
  }
  throw refusal
}

export type Tokens = ReturnType<typeof createTokens>

/** Makes and judges the two kinds of tokens. Knows no sessions: a token that is good here may have been revoked. */
export function createTokens({ access, refresh, refreshTtlMs, now = Date.now }: TokensOptions) {
  const [signAccess] = access
  const [signRefresh] = refresh
  if (signAccess === undefined || signRefresh === undefined) throw new Error('No secret to sign')
  const believed = createBelieved<Principal>(BELIEVED_TOKENS)

  function judged(token: string): Principal {
    try {
      const { sub, roles, sid, exp } = parseAccess(verified(access, token))
      return Object.freeze({ id: sub, roles, sid, expiresAt: exp * 1000 })
    } catch (error) {
      throw isExpired(error) ? new TokenExpired() : new TokenInvalid()
    }
  }

  return {
    access: (claims: Pick<AccessClaims, 'sub' | 'sid' | 'roles'>): string =>
      signAccess.sign(claims),

    refresh({ sid, generation, seed, issuedAt }: RefreshToken): string {
      const iat = Math.floor(issuedAt / 1000)
      const exp = Math.floor((issuedAt + refreshTtlMs) / 1000)
      return signRefresh.sign({ sid, gen: generation, jti: seed, iat, exp })
    },

    /** @throws TokenInvalid, TokenExpired */
    verifyAccess(token: string): Principal {
      const known = believed.get(token)
      if (known !== undefined && known.expiresAt > now()) return known
      const principal = judged(token)
      believed.add(token, principal)
      return principal
    },

    /** Whether its time is over is for the session to say. @throws RefreshTokenRefused */
    verifyRefresh(token: string): RefreshToken {
      let claims: RefreshClaims
      try {
        claims = parseRefresh(verified(refresh, token))
      } catch {
        throw new RefreshTokenRefused()
      }
      return {
        sid: claims.sid,
        generation: claims.gen,
        seed: claims.jti,
        issuedAt: claims.iat * 1000,
      }
    },
  }
}
