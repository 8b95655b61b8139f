import { sign, signStandard } from '@potok/contracts/webhook-signature'

const USER_AGENT = 'Potok-Webhooks/1.0.0'

export interface SigningSecrets {
  current: string
  /** The secret before a rotation whose grace time has not ended. */
  previous?: string
}

export interface Signable {
  deliveryId: string
  eventId: string
  event: string
  /** From 1. */
  attempt: number
  correlationId: string
  /** The event's JSON text, UTF-8. */
  body: Buffer
}

export interface SignedRequest {
  headers: Record<string, string>
  body: Buffer
}

/** `{…}` → `{…,"signature":"…"}`. In bytes: a text would be encoded anew for each signature and for the way out. */
const withSignature = (unsigned: Buffer, signature: string): Buffer =>
  Buffer.concat([unsigned.subarray(0, -1), Buffer.from(`,"signature":"${signature}"}`, 'latin1')])

/**
 * The request that delivers an event: body and headers, signed in both ways.
 * @param nowMs epoch ms; receivers refuse what is more than five minutes off
 */
export function signedRequest(
  { deliveryId, eventId, event, attempt, correlationId, body: unsigned }: Signable,
  { current, previous }: SigningSecrets,
  nowMs: number,
): SignedRequest {
  // One signature has room in the body: the one that receivers know until the rotation is finished.
  const signature = sign(unsigned, previous ?? current)
  const body = withSignature(unsigned, signature)
  const seconds = Math.floor(nowMs / 1000)
  const secrets = previous === undefined ? [current] : [current, previous]
  return {
    body,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': USER_AGENT,
      'x-webhook-signature': signature,
      'x-webhook-event': event,
      'x-webhook-delivery': deliveryId,
      'x-webhook-attempt': String(attempt),
      'x-correlation-id': correlationId,
      'webhook-id': eventId,
      'webhook-timestamp': String(seconds),
      'webhook-signature': secrets
        .map((secret) => signStandard(eventId, seconds, body, secret))
        .join(' '),
    },
  }
}
