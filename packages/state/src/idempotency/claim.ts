import { createHash } from 'node:crypto'

/** One use of an `Idempotency-Key`. */
export interface Claim {
  /** Who asks for what under which key. */
  id: string
  /** Of the payload. */
  payload: string
}

export interface KeyedRequest {
  key: string
  service: string
  actor: string
  method: string
  path: string
  body: unknown
}

const digest = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest('base64url')

export function claimOf({ key, service, actor, method, path, body }: KeyedRequest): Claim {
  return { id: digest([service, actor, method, path, key]), payload: digest(body) }
}
