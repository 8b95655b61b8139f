import createError from '@fastify/error'
import type { FieldError } from '@potok/contracts/problem'

export const SubscriptionNotFound = createError<[id: string]>(
  'WEBHOOKS_SUBSCRIPTION_NOT_FOUND',
  'There is no subscription "%s"',
  404,
)
export const DeliveryNotFound = createError<[id: string]>(
  'WEBHOOKS_DELIVERY_NOT_FOUND',
  'There is no delivery "%s"; finished ones are kept for DELIVERY_RETENTION_DAYS',
  404,
)
/** The URL itself says that it leads to where deliveries must not go. */
export const TargetRefused = createError<[why: string]>(
  'WEBHOOKS_TARGET_REFUSED',
  '%s. WEBHOOK_ALLOWED_TARGETS opens origins or CIDRs that deliveries may reach although they are not public',
  422,
)
export const TimeoutTooLong = createError<[given: number, limit: number]>(
  'WEBHOOKS_TIMEOUT_TOO_LONG',
  'timeoutMs is %d, but no attempt may take longer than WEBHOOK_DELIVERY_TIMEOUT (%d ms)',
  422,
)
export const DeliveryPending = createError<[id: string]>(
  'WEBHOOKS_DELIVERY_PENDING',
  'The delivery "%s" is on its way already, or held until its subscription is active again',
  409,
)
export const EventGone = createError<[id: string]>(
  'WEBHOOKS_EVENT_GONE',
  'The event of the delivery "%s" is past its retention',
  410,
)
export const NoRotation = createError<[id: string]>(
  'WEBHOOKS_NO_ROTATION',
  'No rotation of the secret of "%s" is under way',
  409,
)
export const SecretRefused = createError(
  'WEBHOOKS_SECRET_REFUSED',
  'A secret that begins with whsec_ goes on with base64 of at least 16 bytes; any other text is taken as it is',
  422,
)
export const TooManySubscriptions = createError<[limit: number]>(
  'WEBHOOKS_TOO_MANY_SUBSCRIPTIONS',
  'There are %d subscriptions already, which is the most that are kept',
  409,
)
export const CursorRefused = createError(
  'WEBHOOKS_CURSOR_REFUSED',
  'This is no cursor of a page of deliveries',
  400,
)

/** Says which member of the body it is about, as the refusals of schemas do. */
export function aboutField<E extends Error>(error: E, field: string): E & { errors: FieldError[] } {
  return Object.assign(error, { errors: [{ path: `/body/${field}`, message: error.message }] })
}
