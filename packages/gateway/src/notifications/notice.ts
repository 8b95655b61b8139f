import { Notification } from '@potok/contracts/socket-events'
import { createParser } from '@potok/core/validation'
import type { NotificationRow } from './rows.ts'

const parse = createParser(Notification)

/** A row as people are told it. */
export function noticeOf({
  id,
  level,
  title,
  text,
  link,
  created_at: at,
}: NotificationRow): Notification {
  return parse({
    id,
    level,
    title,
    text,
    timestamp: new Date(at).toISOString(),
    ...(link !== null && { link }),
  })
}
