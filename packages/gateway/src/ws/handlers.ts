import type { TSchema, Static } from '@sinclair/typebox'
import type { FastifyBaseLogger } from 'fastify'
import {
  AuthenticatePayload,
  MessagePayload,
  SubscribePayload,
  UnsubscribePayload,
} from '@potok/contracts/socket-events'
import { createParser, ValueRefused } from '@potok/core/validation'
import { principalOf, type createAuthentication } from './authentication.ts'
import type { Channels } from './channels.ts'
import { SocketRefusal } from './errors.ts'
import { createBucket } from './rate.ts'
import type { PotokSocket } from './server.ts'

export interface SocketLimits {
  /** Events a second that one socket may send. */
  eventsPerSecond: number
  /** Channels that one socket may follow. */
  channelsPerSocket: number
  /** Room messages a second that one socket may send. */
  messagesPerSecond: number
}

export interface HandlersDeps {
  authentication: ReturnType<typeof createAuthentication>
  channels: Channels
  limits: SocketLimits
  log: FastifyBaseLogger
}

type Work<T> = (payload: T) => Promise<object>

const parsers = {
  authenticate: createParser(AuthenticatePayload),
  subscribe: createParser(SubscribePayload),
  unsubscribe: createParser(UnsubscribePayload),
  message: createParser(MessagePayload),
}

function refusalOf(error: unknown, log: FastifyBaseLogger): SocketRefusal {
  if (error instanceof SocketRefusal) {
    if (error.cause !== undefined)
      log.debug({ err: error.cause, code: error.code }, 'socket refused')
    return error
  }
  if (error instanceof ValueRefused) return new SocketRefusal('WS_PAYLOAD_INVALID', error.message)
  log.error({ err: error }, 'socket handler failed')
  return new SocketRefusal('WS_INTERNAL_ERROR')
}

/** Gives one socket its events. Every payload is parsed, every answer is an ack or an `error` event. */
export function handle(
  socket: PotokSocket,
  { authentication, channels, limits, log }: HandlersDeps,
): void {
  const events = createBucket(limits.eventsPerSecond, limits.eventsPerSecond * 2)
  const messages = createBucket(limits.messagesPerSecond, limits.messagesPerSecond)

  function on<T extends TSchema>(
    name: keyof typeof parsers,
    parse: (value: unknown) => Static<T>,
    work: Work<Static<T>>,
  ): void {
    // What a client sends is unknown whatever the event map says; the parser decides.
    socket.on(name, (payload: unknown, ack: unknown) => {
      const answer = async (): Promise<object> => {
        if (!events.take()) throw new SocketRefusal('WS_TOO_MANY_EVENTS')
        return { ok: true, ...(await work(parse(payload))) }
      }
      answer().then(
        (value) => (typeof ack === 'function' ? void ack(value) : undefined),
        (error: unknown) => {
          const refusal = refusalOf(error, log).toJSON()
          if (typeof ack === 'function') ack({ ok: false, error: refusal })
          else socket.emit('error', refusal)
        },
      )
    })
  }

  on<typeof AuthenticatePayload>('authenticate', parsers.authenticate, async ({ token }) =>
    authentication.authenticate(socket, token),
  )
  on<typeof SubscribePayload>('subscribe', parsers.subscribe, async ({ channel, since }) => {
    principalOf(socket)
    if (channels.count(socket) >= limits.channelsPerSocket) {
      throw new SocketRefusal('WS_TOO_MANY_CHANNELS')
    }
    return channels.subscribe(socket, channel, since)
  })
  on<typeof UnsubscribePayload>('unsubscribe', parsers.unsubscribe, async ({ channel }) => {
    await channels.unsubscribe(socket, channel)
    return {}
  })
  on<typeof MessagePayload>('message', parsers.message, async ({ roomId, text }) => {
    const { id } = principalOf(socket)
    if (!channels.follows(socket, `room:${roomId}`)) throw new SocketRefusal('WS_NOT_SUBSCRIBED')
    if (!messages.take()) throw new SocketRefusal('WS_TOO_MANY_EVENTS')
    channels.message(roomId, id, text)
    return {}
  })
}
