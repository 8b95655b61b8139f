import type { NotificationLevel } from '@potok/contracts/socket-events'
import type { NewNotification } from '../notifications/index.ts'
import type { Notice } from './told.ts'

/** What is worth a line at the dashboard beside the change itself, which is seen there anyway. */
const HEADINGS: Partial<Record<Notice['kind'], { level: NotificationLevel; title: string }>> = {
  assigned: { level: 'info', title: 'Вам поручена задача' },
  changed: { level: 'info', title: 'Статус вашей задачи изменился' },
  failed: { level: 'warning', title: 'Задача не вышла' },
  deleted: { level: 'info', title: 'Задача удалена' },
}

/** Nothing enforces how long the title of a task is. */
const TEXT_LENGTH = 200
const cut = (text: string): string => text.slice(0, TEXT_LENGTH).toWellFormed()

/** The same notice for the sockets of the person; undefined for what the dashboard does not tell. */
export function announcementOf(taskId: string, notice: Notice): NewNotification | undefined {
  const heading = HEADINGS[notice.kind]
  if (heading === undefined) return undefined
  const { userId, eventId, title } = notice
  return {
    key: `task:${eventId}:${userId}`,
    to: { user: userId },
    ...heading,
    text: cut(title),
    ...(notice.kind !== 'deleted' && { link: `/tasks/${taskId}` }),
  }
}
