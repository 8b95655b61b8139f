import { describe, expect, it } from 'vitest'
import { backOffMs, verdictOf } from './delivery.ts'
import { PlatformRefused, PlatformUnavailable } from './errors.ts'

const refused = (status: number, reason: string, message = '', retryAfterMs?: number) =>
  new PlatformRefused({
    status,
    reason,
    message,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
const noLuck = (): number => 0

describe('what a failed call means', () => {
  it.each([
    ['no answer', new PlatformUnavailable(new Error('timeout')), 'retry'],
    ['a bug of ours', new TypeError('x'), 'retry'],
    ['too many requests', refused(429, 'too.many.requests'), 'retry'],
    ['a wrong token', refused(401, 'verify.token'), 'retry'],
    ['a stopped dialog', refused(403, 'chat.denied', 'error.dialog.suspended'), 'unreachable'],
    ['a person who never came', refused(404, 'not.found', 'error.dialog.notfound'), 'unreachable'],
    ['a message that is gone', refused(404, 'not.found'), 'gone'],
    ['success: false', refused(200, 'not.successful'), 'gone'],
    ['a bad request', refused(400, 'proto.payload'), 'give-up'],
  ])('%s: %o → %s', (_what, error, next) => {
    expect(verdictOf(error, 1).next).toBe(next)
  })

  it('waits as long as the platform asks', () => {
    const verdict = verdictOf(refused(429, 'too.many.requests', '', 7000), 1, noLuck)
    expect(verdict).toEqual({ next: 'retry', delayMs: 7000, outcome: 'limited' })
  })

  it('waits twice as long each time, up to a minute, never in step with others', () => {
    expect([1, 2, 3, 4, 20].map((attempt) => backOffMs(attempt, noLuck))).toEqual([
      1000, 2000, 4000, 8000, 60_000,
    ])
    expect(backOffMs(1, () => 0.99)).toBeLessThan(800)
  })
})
