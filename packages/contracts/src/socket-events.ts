import { Type, type Static } from '@sinclair/typebox'
import { closedSet } from './closed-set.ts'
import { Actor, Cursor, EntityId, EntityType, Status, Timestamp } from './identifiers.ts'
import { Metadata } from './state.ts'

/** Where the socket server listens, by commission. */
export const SOCKET_PATH = '/api/v1/socket.io'

export const Channel = Type.String({
  pattern: '^(tasks|users|processes|(task|room):[A-Za-z0-9][A-Za-z0-9._:-]{0,127})$',
  examples: ['tasks', 'task:task_123', 'room:123'],
})

export const AuthenticatePayload = Type.Object({
  token: Type.String({ minLength: 1, maxLength: 4096 }),
})
export type AuthenticatePayload = Static<typeof AuthenticatePayload>
export const SubscribePayload = Type.Object({ channel: Channel, since: Type.Optional(Cursor) })
export type SubscribePayload = Static<typeof SubscribePayload>
export const UnsubscribePayload = Type.Object({ channel: Channel })
export type UnsubscribePayload = Static<typeof UnsubscribePayload>
export const MessagePayload = Type.Object({
  text: Type.String({ minLength: 1, maxLength: 4000 }),
  roomId: EntityId,
})
export type MessagePayload = Static<typeof MessagePayload>
export const SeenPayload = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,128}$' }) })
export type SeenPayload = Static<typeof SeenPayload>

/** A change of an entity as sockets receive it, in log order. */
export const EntityChange = Type.Object({
  cursor: Cursor,
  eventId: Type.String(),
  entity: EntityType,
  id: EntityId,
  previousStatus: Type.Union([Status, Type.Null()]),
  newStatus: Type.Union([Status, Type.Null()]),
  metadata: Metadata,
  version: Type.Integer({ minimum: 1 }),
  actor: Actor,
  timestamp: Timestamp,
})
export type EntityChange = Static<typeof EntityChange>

export const NotificationLevel = closedSet(['info', 'success', 'warning', 'error'])
export type NotificationLevel = Static<typeof NotificationLevel>
export const Notification = Type.Object({
  id: Type.String(),
  level: NotificationLevel,
  title: Type.String({ maxLength: 200 }),
  text: Type.String({ maxLength: 4000 }),
  timestamp: Timestamp,
  link: Type.Optional(Type.String({ maxLength: 2048 })),
})
export type Notification = Static<typeof Notification>

export const RoomMessage = Type.Object({
  roomId: EntityId,
  from: EntityId,
  text: Type.String(),
  timestamp: Timestamp,
})
export type RoomMessage = Static<typeof RoomMessage>

/**
 * When to come back after the server closed the connection: `now` (the stock client does it by itself), `later` (it
 * does not; slow down first), `with_token` (log in or refresh first).
 */
export type Reconnect = 'now' | 'later' | 'with_token'

/** Also `data` of a `connect_error`. */
export interface SocketError {
  code: string
  message: string
  /** There when the server closes the connection for it. */
  reconnect?: Reconnect
}
export type AckError = { ok: false; error: SocketError }
export type Ack<T extends object = object> = (answer: ({ ok: true } & T) | AckError) => void

/** What a client may send; every event may take an acknowledgement. For `io<ServerEvents, ClientEvents>()`. */
export interface ClientEvents {
  authenticate: (payload: AuthenticatePayload, ack?: Ack<{ expiresAt: string }>) => void
  subscribe: (payload: SubscribePayload, ack?: Ack<{ cursor: string; recovered: boolean }>) => void
  unsubscribe: (payload: UnsubscribePayload, ack?: Ack) => void
  message: (payload: MessagePayload, ack?: Ack) => void
  'notification:seen': (payload: SeenPayload, ack?: Ack) => void
}

/** What the server sends. */
export interface ServerEvents {
  'task:created': (change: EntityChange) => void
  'task:updated': (change: EntityChange) => void
  'task:deleted': (change: EntityChange) => void
  'user:updated': (change: EntityChange) => void
  'process:updated': (change: EntityChange) => void
  notification: (notification: Notification) => void
  message: (message: RoomMessage) => void
  error: (error: SocketError) => void
}
