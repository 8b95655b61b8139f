import { randomBytes } from 'node:crypto'
import { aboutField, SecretRefused } from './errors.ts'

const PREFIX = 'whsec_'
const SECRET_BYTES = 24
/** Base64 of at least 16 bytes: less is no key, and the Standard Webhooks library takes nothing else. */
const ENCODED = /^(?:[A-Za-z0-9+/]{4}){5,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/u

export const newSecret = (): string => `${PREFIX}${randomBytes(SECRET_BYTES).toString('base64')}`

/** @throws SecretRefused it says to be an encoded key and is none */
export function checkSecret(secret: string | undefined): void {
  if (secret?.startsWith(PREFIX) === true && !ENCODED.test(secret.slice(PREFIX.length))) {
    throw aboutField(new SecretRefused(), 'secret')
  }
}
