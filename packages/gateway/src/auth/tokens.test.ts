import { expect, test } from 'vitest'
import { TokenExpired } from './errors.ts'
import { createTokens } from './tokens.ts'

/** A signer that counts its work; its tokens are their own claims. */
function build() {
  const clock = { now: 1_000_000 }
  let checked = 0
  const signer = {
    sign: (claims: object | string | Buffer): string => JSON.stringify(claims),
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as @fastify/jwt types it
    verify<T>(token: string): T {
      checked += 1
      const claims: T & { exp: number } = JSON.parse(token)
      if (claims.exp * 1000 <= clock.now) {
        throw Object.assign(new Error('expired'), { code: 'FAST_JWT_EXPIRED' })
      }
      return claims
    },
  }
  const tokens = createTokens({
    access: [signer],
    refresh: [signer],
    refreshTtlMs: 1000,
    now: () => clock.now,
  })
  return { tokens, clock, checked: () => checked }
}

const token = (sub: string): string =>
  JSON.stringify({
    sub,
    sid: 'session 1',
    roles: ['member'],
    iss: 'potok-gateway',
    aud: 'potok',
    iat: 900,
    exp: 1060,
  })

test('a token is checked once, and not believed a moment longer than it says', () => {
  const { tokens, clock, checked } = build()

  const first = tokens.verifyAccess(token('usr_1'))
  expect(tokens.verifyAccess(token('usr_1'))).toBe(first)
  expect(checked()).toBe(1)
  expect(first).toEqual({
    id: 'usr_1',
    sid: 'session 1',
    roles: ['member'],
    expiresAt: 1_060_000,
  })

  clock.now = 1_060_000
  expect(() => tokens.verifyAccess(token('usr_1'))).toThrow(new TokenExpired())
})

test('what is remembered of one token says nothing about another', () => {
  const { tokens } = build()
  tokens.verifyAccess(token('usr_1'))

  expect(tokens.verifyAccess(token('usr_2')).id).toBe('usr_2')
})

test('memory is bounded: the tokens seen longest ago are checked again', () => {
  const { tokens, checked } = build()
  for (let n = 0; n <= 2000; n += 1) tokens.verifyAccess(token(`usr_${n}`))
  expect(checked()).toBe(2001)

  tokens.verifyAccess(token('usr_2000'))
  expect(checked()).toBe(2001)
  tokens.verifyAccess(token('usr_0'))
  expect(checked()).toBe(2002)
})
