import type { Static, TSchema } from '@sinclair/typebox'
import type { FastifyBaseLogger } from 'fastify'
import {
  AuthenticatePayload,
  MessagePayload,
  SeenPayload,
  SubscribePayload,
  UnsubscribePayload,
  type ClientEvents,
} from '@potok/contracts/socket-events'
import { createParser, ValueRefused } from '@potok/core/validation'
import type { Authentication } from './authentication.ts'
import type { Channels } from './channels.ts'
import type { Close } from './closing.ts'
import { SOCKET_ERRORS, SocketRefusal } from './errors.ts'
import type { SocketMetrics } from './metrics.ts'
import type { SocketLimits } from './options.ts'
import { mayFollow } from './rights.ts'
import type { SocketPrincipal } from './server.ts'
import { principalOf, type Visit } from './visit.ts'

export interface HandlersDeps {
  authentication: Authentication
  channels: Channels
  close: Close
  limits: SocketLimits
  metrics: Pick<SocketMetrics, 'event' | 'refused'>
  log: FastifyBaseLogger
  /** A token was taken: the first one of the socket, or a newer one. */
  admit: (visit: Visit, principal: SocketPrincipal) => void
  /** Notes that a person has seen a notification. @returns false when they have no such one */
  seen: (id: string, principal: SocketPrincipal) => Promise<boolean>
}

/** What an event answers: members of the acknowledgement, made at the moment of its sending where that matters. */
type Answer = object | (() => object)
type Handler = (visit: Visit, payload: unknown) => Promise<Answer>

function handler<T extends TSchema>(
  schema: T,
  work: (visit: Visit, payload: Static<T>) => Promise<Answer>,
): Handler {
  const parse = createParser(schema)
  return async (visit, payload) => work(visit, parse(payload))
}

/** Changes of the subscriptions of one socket happen one after another. */
async function inTurn<T>(visit: Visit, most: number, work: () => Promise<T> | T): Promise<T> {
  if (visit.turns >= most) throw new SocketRefusal('WS_TOO_MANY_EVENTS')
  visit.turns += 1
  const mine = visit.turn.then(work)
  visit.turn = mine.then(
    () => void (visit.turns -= 1),
    () => void (visit.turns -= 1),
  )
  return mine
}

function handlersFor(deps: HandlersDeps): Record<keyof ClientEvents, Handler> {
  const { authentication, channels, limits, admit, seen } = deps
  const turnsMost = 2 * limits.channelsPerSocket
  return {
    authenticate: handler(AuthenticatePayload, async (visit, { token }) => {
      const principal = authentication.identify(visit, token)
      admit(visit, principal)
      return { expiresAt: new Date(principal.expiresAt).toISOString() }
    }),
    subscribe: handler(SubscribePayload, async (visit, { channel, since }) => {
      if (!mayFollow(principalOf(visit), channel)) throw new SocketRefusal('WS_CHANNEL_FORBIDDEN')
      return inTurn(visit, turnsMost, () => {
        const wanted = new Set([...channels.of(visit), channel])
        if (wanted.size > limits.channelsPerSocket) throw new SocketRefusal('WS_TOO_MANY_CHANNELS')
        return channels.subscribe(visit, channel, since)
      })
    }),
    unsubscribe: handler(UnsubscribePayload, async (visit, { channel }) => {
      principalOf(visit)
      await inTurn(visit, turnsMost, () => channels.unsubscribe(visit, channel))
      return {}
    }),
    message: handler(MessagePayload, async (visit, { roomId, text }) => {
      const { id } = principalOf(visit)
      if (!visit.messages.take()) throw new SocketRefusal('WS_TOO_MANY_EVENTS')
      channels.message(roomId, id, text)
      return {}
    }),
    'notification:seen': handler(SeenPayload, async (visit, { id }) => {
      const known = await seen(id, principalOf(visit))
      if (!known) throw new SocketRefusal('WS_NOTIFICATION_UNKNOWN')
      return {}
    }),
  }
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

/** Takes the events of sockets. Every payload is parsed, every answer is an ack or an `error` event. */
export function createReceiver(deps: HandlersDeps) {
  const { close, metrics, log } = deps
  const handlers = new Map(Object.entries(handlersFor(deps)))

  async function work(visit: Visit, name: string, payload: unknown): Promise<Answer> {
    if (!visit.events.take()) throw new SocketRefusal('WS_TOO_MANY_EVENTS')
    const handle = handlers.get(name)
    if (handle === undefined) throw new SocketRefusal('WS_EVENT_UNKNOWN')
    metrics.event(name)
    return handle(visit, payload)
  }

  function refuse(visit: Visit, refusal: SocketRefusal, ack: unknown): void {
    const { code } = refusal
    metrics.refused(code)
    // A client that goes on and on with what is refused is not worth answering.
    if (SOCKET_ERRORS[code].fault && !visit.patience.take()) close(visit, code)
    else if (typeof ack === 'function') ack({ ok: false, error: refusal.toJSON() })
    else visit.socket.emit('error', refusal.toJSON())
  }

  /** What a client sends is unknown whatever the event map says. */
  return async (visit: Visit, name: string, values: readonly unknown[]): Promise<void> => {
    if (visit.isClosing || !visit.socket.connected) return
    const last = values.at(-1)
    const ack = typeof last === 'function' ? last : undefined
    const payload = values[0] === ack ? undefined : values[0]
    try {
      const answer = await work(visit, name, payload)
      // One that may be late: what was told meanwhile is in it.
      const members = typeof answer === 'function' ? answer() : answer
      ack?.({ ok: true, ...members })
    } catch (error) {
      refuse(visit, refusalOf(error, log), ack)
    }
  }
}
