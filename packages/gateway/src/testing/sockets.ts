import { createHmac } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import { io, type Socket } from 'socket.io-client'
import { onTestFinished } from 'vitest'
import {
  SOCKET_PATH,
  type ClientEvents,
  type EntityChange,
  type Notification,
  type RoomMessage,
  type ServerEvents,
  type SocketError,
} from '@potok/contracts/socket-events'
import type { Role } from '@potok/contracts/user'
import { createParser } from '@potok/core/validation'
import { ACCESS_SECRET } from './gateway.ts'

export type ClientSocket = Socket<ServerEvents, ClientEvents>

const parseRefusal = createParser(
  Type.Object({ data: Type.Optional(Type.Object({ code: Type.String() })) }),
)

const CHANGES = [
  'task:created',
  'task:updated',
  'task:deleted',
  'user:updated',
  'process:updated',
] as const

/** The stock client, and what it was told. */
export function openSocket(
  url: string,
  options: {
    token?: string
    origin?: string
    forwardedFor?: string
    transports?: string[]
  } = {},
) {
  const { token, origin, forwardedFor, transports = ['websocket'] } = options
  const socket: ClientSocket = io(url, {
    path: SOCKET_PATH,
    transports,
    forceNew: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 100,
    ...(token !== undefined && { auth: { token } }),
    extraHeaders: {
      ...(origin !== undefined && { origin }),
      ...(forwardedFor !== undefined && { 'x-forwarded-for': forwardedFor }),
    },
  })
  onTestFinished(() => void socket.close())
  const changes: { event: (typeof CHANGES)[number]; change: EntityChange }[] = []
  const errors: SocketError[] = []
  const messages: RoomMessage[] = []
  const notifications: Notification[] = []
  const disconnects: string[] = []
  /** Codes of refused handshakes, or what the transport said. */
  const refusals: string[] = []
  for (const event of CHANGES) socket.on(event, (change) => changes.push({ event, change }))
  socket.on('error', (error) => errors.push(error))
  socket.on('message', (message) => messages.push(message))
  socket.on('notification', (notification) => notifications.push(notification))
  socket.on('disconnect', (reason) => disconnects.push(reason))
  socket.on('connect_error', (error) => {
    refusals.push(parseRefusal(error).data?.code ?? error.message)
  })
  return {
    socket,
    changes,
    errors,
    messages,
    notifications,
    disconnects,
    refusals,
    /** Cursors in the order in which they were told. */
    cursors: () => changes.map(({ change }) => change.cursor),
    async connected(): Promise<void> {
      if (socket.connected) return
      await new Promise<void>((resolve) => void socket.once('connect', resolve))
    },
    subscribe: (channel: string, since?: string) =>
      socket
        .timeout(15_000)
        .emitWithAck('subscribe', { channel, ...(since !== undefined && { since }) }),
  }
}

/** The token of a bearer header. */
export const tokenOf = ({ authorization }: { authorization: string }): string =>
  authorization.slice('Bearer '.length)

const parseClaims = createParser(Type.Object({}, { additionalProperties: true }))

/** The same token, as if its person had these roles. */
export function tokenWith(token: string, roles: readonly Role[]): string {
  const [header = '', payload = ''] = token.split('.')
  const claims = parseClaims(JSON.parse(Buffer.from(payload, 'base64url').toString()))
  const changed = Buffer.from(JSON.stringify({ ...claims, roles })).toString('base64url')
  const text = `${header}.${changed}`
  return `${text}.${createHmac('sha256', ACCESS_SECRET).update(text).digest('base64url')}`
}
