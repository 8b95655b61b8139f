import type { NewNotification } from '../notifications/index.ts'
import type { WebhookEvent } from './schemas.ts'

const TEXT_LENGTH = 4000

/** What administrators are told of a webhook that does not work, or works again. */
export function alertOf({ id, event, data }: WebhookEvent): NewNotification {
  const { url, subscriptionId, reason } = data
  const gone = event === 'webhook.disabled'
  const why = gone && reason !== undefined ? `: ${reason}` : ''
  return {
    key: `webhook:${id}`,
    to: { role: 'admin' },
    level: gone ? 'error' : 'success',
    title: gone ? 'Вебхук отключён' : 'Вебхук снова работает',
    text: `${url} (${subscriptionId})${why}`.slice(0, TEXT_LENGTH),
  }
}
