import { isUpstreamError, type HttpClient } from '@potok/core/http-client'
import { RecipientUnknown } from './errors.ts'
import type { Recipient } from './schemas.ts'

/**
 * Refuses a person whom the admin service does not know. Whom nobody can look up now may be somebody: a notification is
 * kept until it is seen.
 * @throws RecipientUnknown (422)
 */
export function createRecipientCheck({ request }: Pick<HttpClient, 'request'>) {
  return async ({ user }: Recipient, headers: Record<string, string>): Promise<void> => {
    if (user === undefined) return
    const path = `/api/v1/users/${encodeURIComponent(user)}`
    try {
      const { status } = await request({ method: 'GET', path, headers })
      if (status === 404) throw new RecipientUnknown(user)
    } catch (error) {
      if (!isUpstreamError(error)) throw error
    }
  }
}
