import jwt from '@fastify/jwt'
import type { FastifyInstance } from 'fastify'
import { SecretTooShort } from './errors.ts'

declare module '@fastify/jwt' {
  interface FastifyJWT {
    /** One a secret: `access0` is the current one for access tokens, `access1` the previous. */
    namespaces: string
  }
}

export interface SignersOptions {
  kind: 'access' | 'refresh'
  /** The current secret, then those that are still believed, comma separated. */
  secrets: string
  /** Name of the setting, for the error. */
  variable: string
  /** Undefined: the claims bring their own `exp`. */
  ttlMs?: number
}

const ISSUER = 'potok-gateway'
const AUDIENCES = { access: 'potok', refresh: 'potok-refresh' } as const
const MIN_SECRET_LENGTH = 16

/**
 * Signs and verifies with each of the secrets, in their order. The algorithm is fixed: what a token's header says about
 * it is no choice of whoever made the token.
 * @throws SecretTooShort
 */
export async function registerSigners(
  app: FastifyInstance,
  { kind, secrets: setting, variable, ttlMs }: SignersOptions,
) {
  const secrets = setting
    .split(',')
    .map((secret) => secret.trim())
    .filter((secret) => secret !== '')
  if (secrets.length === 0 || secrets.some(({ length }) => length < MIN_SECRET_LENGTH)) {
    throw new SecretTooShort(variable)
  }
  for (const [index, secret] of secrets.entries()) {
    await app.register(jwt, {
      namespace: `${kind}${index}`,
      secret,
      sign: {
        algorithm: 'HS256',
        iss: ISSUER,
        aud: AUDIENCES[kind],
        ...(ttlMs !== undefined && { expiresIn: ttlMs / 1000 }),
      },
      verify: {
        algorithms: ['HS256'],
        allowedIss: ISSUER,
        allowedAud: AUDIENCES[kind],
        requiredClaims: ['exp', 'iss', 'aud', 'sid'],
      },
    })
  }
  return secrets.map((_secret, index) => {
    const signer = app.jwt[`${kind}${index}`]
    if (signer === undefined) throw new Error(`@fastify/jwt did not register ${kind}${index}`)
    return signer
  })
}
