import { Type, type Static } from '@sinclair/typebox'
import { EntityId } from '@potok/contracts/identifiers'
import { Notification, NotificationLevel } from '@potok/contracts/socket-events'
import { Role } from '@potok/contracts/user'

/** Exactly one of them. */
export const Recipient = Type.Object(
  {
    user: Type.Optional(EntityId),
    role: Type.Optional(Role),
    all: Type.Optional(Type.Literal(true)),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
    description: 'Exactly one of user, role and all',
  },
)
export type Recipient = Static<typeof Recipient>

const content = {
  level: NotificationLevel,
  title: Type.String({ minLength: 1, maxLength: 200 }),
  text: Type.String({ minLength: 1, maxLength: 4000 }),
  link: Type.Optional(
    Type.String({
      maxLength: 2048,
      // What a dashboard makes a link of must not run anything.
      pattern: '^(https?://|/)',
      description: 'Absolute, or a path of the dashboard',
    }),
  ),
}

/** Body of `POST /notifications`. */
export const NotificationCreate = Type.Object(
  { to: Recipient, ...content },
  {
    additionalProperties: false,
    title: 'NotificationCreate',
    examples: [
      {
        to: { role: 'member' },
        level: 'info',
        title: 'Обслуживание',
        text: 'Сегодня в 22:00 сервис будет недоступен 10 минут',
      },
    ],
  },
)
export type NotificationCreate = Static<typeof NotificationCreate>

export const NotificationCreated = Type.Composite([Notification, Type.Object({ to: Recipient })])
