import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import {
  sign,
  signStandard,
  unsignedText,
  verifySignature,
  withSignature,
} from './webhook-signature.ts'

const unsigned = JSON.stringify({ id: 'evt_1', event: 'entity.created', data: { title: 'Отчёт' } })

test('a receiver that drops the member and serialises again computes the same signature', () => {
  const body = withSignature(unsigned, sign(unsigned, 'your-webhook-secret'))

  const { signature, ...rest } = JSON.parse(body) as Record<string, unknown>

  expect(signature).toBe(sign(JSON.stringify(rest), 'your-webhook-secret'))
  expect(unsignedText(body)).toBe(unsigned)
})

test('verification accepts any of the secrets and refuses a changed body, a foreign secret and a missing header', () => {
  const signature = sign(unsigned, 'previous-secret')
  const body = withSignature(unsigned, signature)

  expect(verifySignature(body, signature, ['current-secret', 'previous-secret'])).toBe(true)
  expect(verifySignature(body.replace('Отчёт', 'отчёт'), signature, ['previous-secret'])).toBe(
    false,
  )
  expect(verifySignature(body, signature, ['current-secret'])).toBe(false)
  expect(verifySignature(body, undefined, ['previous-secret'])).toBe(false)
})

test.each([
  ['whsec_', `whsec_${Buffer.alloc(24, 7).toString('base64')}`, {}],
  ['plain', 'your-webhook-secret', { format: 'raw' as const }],
])(
  'the Standard Webhooks library verifies what is signed with a %s secret',
  (_kind, secret, options) => {
    const body = withSignature(unsigned, sign(unsigned, secret))
    const seconds = Math.floor(Date.now() / 1000)
    const receiver = new Webhook(secret, options)

    const verified = receiver.verify(body, {
      'webhook-id': 'evt_1',
      'webhook-timestamp': String(seconds),
      'webhook-signature': signStandard('evt_1', seconds, body, secret),
    })

    expect(verified).toMatchObject({ id: 'evt_1' })
  },
)
