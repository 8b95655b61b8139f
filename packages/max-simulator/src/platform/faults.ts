/** Switches that make the platform misbehave, each in a way that was seen or is possible on the real one. */
import { randomUUID } from 'node:crypto'
import { Type, type Static } from '@sinclair/typebox'
import { closedSet } from '@potok/contracts/closed-set'
import type { Bounds } from './bounds.ts'
import { ControlConflict } from './errors.ts'

export const DeliveryFaults = Type.Object(
  {
    duplicates: Type.Integer({
      minimum: 0,
      maximum: 10,
      description: 'Further copies of every update',
    }),
    delayMs: Type.Integer({
      minimum: 0,
      maximum: 60_000,
      description: 'Real milliseconds that every update waits before it is sent',
    }),
    reorder: Type.Boolean({ description: 'Neighbouring updates of a chat change places' }),
    parallel: Type.Boolean({ description: 'Updates of a chat are pushed at once, not in turn' }),
    splitUtf8: Type.Boolean({
      description: 'The body is written in two parts, cut inside a character',
    }),
    callbackMessage: closedSet(['full', 'absent', 'null', 'without-chat'], {
      description: 'What message_callback says of the message that has the button',
    }),
    callbackId: closedSet(['per-press', 'per-keyboard'], {
      description: 'per-keyboard: presses of one message share a callback_id',
    }),
    pollingWhileSubscribed: closedSet(['empty', 'refused'], {
      description: 'GET /updates beside a webhook: no updates, or 405',
    }),
  },
  { additionalProperties: false },
)
export type DeliveryFaults = Static<typeof DeliveryFaults>

const HEALTHY: Readonly<DeliveryFaults> = {
  duplicates: 0,
  delayMs: 0,
  reorder: false,
  parallel: false,
  splitUtf8: false,
  callbackMessage: 'full',
  callbackId: 'per-press',
  pollingWhileSubscribed: 'empty',
}

export const ApiFault = Type.Object(
  {
    method: Type.Optional(closedSet(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])),
    path: Type.Optional(
      Type.String({
        maxLength: 200,
        description:
          'Route as the reference names it: /messages, /chats/:chatId/actions; absent = all',
      }),
    ),
    effect: closedSet([
      'status',
      'html',
      'hang',
      'delay',
      'unsuccessful',
      'attachment-not-ready',
      'lose-reply',
    ]),
    status: Type.Optional(
      Type.Integer({ minimum: 400, maximum: 599, description: 'Of status (500) and html (502)' }),
    ),
    code: Type.Optional(Type.String({ maxLength: 100, description: 'The error code of status' })),
    message: Type.Optional(Type.String({ maxLength: 1000 })),
    retryAfterSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 3600 })),
    delayMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 600_000, description: 'Of delay' })),
    skip: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 100_000, description: 'Let so many pass first' }),
    ),
    times: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100_000, description: 'How many requests it hits (1)' }),
    ),
  },
  { additionalProperties: false },
)
export type ApiFault = Static<typeof ApiFault>

export type ArmedFault = ApiFault & { readonly id: string; skip: number; times: number }

export class Faults {
  readonly #bounds: Bounds
  #delivery: DeliveryFaults = { ...HEALTHY }
  #api: ArmedFault[] = []

  constructor({ bounds }: { bounds: Bounds }) {
    this.#bounds = bounds
  }

  get delivery(): Readonly<DeliveryFaults> {
    return this.#delivery
  }

  get api(): readonly ArmedFault[] {
    return this.#api
  }

  setDelivery(change: Partial<DeliveryFaults>): void {
    this.#delivery = { ...this.#delivery, ...change }
  }

  arm(fault: ApiFault): ArmedFault {
    if (this.#api.length >= this.#bounds.apiFaults) {
      throw new ControlConflict(`There are ${this.#bounds.apiFaults} faults already`)
    }
    const armed = { skip: 0, times: 1, ...fault, id: randomUUID() }
    this.#api.push(armed)
    return armed
  }

  /** The fault that this request meets, if any; it is used up by that. */
  take(method: string, path: string): ArmedFault | undefined {
    const fault = this.#api.find(
      (candidate) => (candidate.method ?? method) === method && (candidate.path ?? path) === path,
    )
    if (fault === undefined) return undefined
    if (fault.skip > 0) {
      fault.skip -= 1
      return undefined
    }
    fault.times -= 1
    if (fault.times === 0) this.#api = this.#api.filter((candidate) => candidate !== fault)
    return fault
  }

  clear(): void {
    this.#delivery = { ...HEALTHY }
    this.#api = []
  }
}
