import type { NumberColumn } from '@potok/core/database'

interface NotificationsTable {
  id: string
  /** For whom: `all`, `user:<id>` or `role:<name>`. */
  audience: string
  level: string
  title: string
  text: string
  link: string | null
  created_at: NumberColumn
}

/** Who has seen what. */
interface NotificationsSeenTable {
  notification_id: string
  user_id: string
  seen_at: NumberColumn
}

export interface NotificationTables {
  notifications: NotificationsTable
  notifications_seen: NotificationsSeenTable
}
