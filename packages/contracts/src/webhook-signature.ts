import { createHmac, timingSafeEqual } from 'node:crypto'

const EMBEDDED = /,"signature":"(sha256=[0-9a-f]{64})"\}$/u

/** `sha256=<hex>`: HMAC-SHA256 over `text` (or its UTF-8 bytes), key = the UTF-8 bytes of the secret. */
export function sign(text: string | Uint8Array, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`
}

/** Puts the signature in as the last member: `{…}` → `{…,"signature":"sha256=…"}`. */
export function withSignature(unsigned: string, signature: string): string {
  return `${unsigned.slice(0, -1)},"signature":"${signature}"}`
}

/** The text that the signature covers: the raw body without its trailing `signature` member. */
export function unsignedText(body: string): string {
  return body.replace(EMBEDDED, '}')
}

/**
 * Verifies `X-Webhook-Signature` of a received webhook.
 * @param body the raw body exactly as received; parsing and serialising again may change bytes
 */
export function verifySignature(
  body: string,
  header: string | undefined,
  secrets: readonly string[],
): boolean {
  if (header === undefined) return false
  const given = Buffer.from(header)
  const text = unsignedText(body)
  return secrets.some((secret) => {
    const expected = Buffer.from(sign(text, secret))
    return expected.length === given.length && timingSafeEqual(expected, given)
  })
}

/** The key of the Standard Webhooks signature: the decoded part of a `whsec_` secret, else its UTF-8 bytes. */
export function standardKey(secret: string): Buffer {
  return secret.startsWith('whsec_')
    ? Buffer.from(secret.slice(6), 'base64')
    : Buffer.from(secret, 'utf8')
}

/**
 * One `v1,<base64>` entry of the `webhook-signature` header (Standard Webhooks).
 * @param body the text, or its UTF-8 bytes
 * @param timestamp Unix time in seconds, as in the `webhook-timestamp` header
 */
export function signStandard(
  id: string,
  timestamp: number,
  body: string | Uint8Array,
  secret: string,
): string {
  const mac = createHmac('sha256', standardKey(secret)).update(`${id}.${timestamp}.`).update(body)
  return `v1,${mac.digest('base64')}`
}
