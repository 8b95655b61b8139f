import { Context } from '@maxhub/max-bot-api'
import type { BotInfo, Update } from '@maxhub/max-bot-api/types'
import type { Bot } from '@maxhub/max-bot-api'
import type { DateContext } from './dates/index.ts'
import type { DeferredTask } from './deferred.ts'
import type { Dialog } from './dialogs.ts'
import type { Offer } from './offers.ts'
import type { CardShown, Content, Outgoing } from './outgoing.ts'
import type { Contact, Person } from './people.ts'
import type { Errand } from './tasks.ts'
import { textsIn, type Texts } from './texts/index.ts'
import type { Incoming } from './update.ts'

/** What an update leads to, stored in the transaction that ends it: all of it once, or none. */
export interface Effects {
  messages: Outgoing[]
  /** `null`: the conversation is over; undefined: as it was. */
  dialog?: Dialog | null
  offers: Offer[]
  droppedOffers: string[]
  deferred: DeferredTask[]
}

export interface TurnOptions {
  incoming: Incoming
  person: Person
  dialog: Dialog | undefined
  correlationId: string
  signal: AbortSignal
  /** When it was received, for updates whose own time cannot be used. */
  receivedAt: number
}

/** The platform's clock is believed when it is about as late as ours. */
const CLOCK_TOLERANCE_MS = 86_400_000

export type Turn = ReturnType<typeof createTurn>

/** One update and the answers to it. Working it again gives the same, whatever happened in between. */
export function createTurn(options: TurnOptions) {
  const { incoming, person, correlationId, signal } = options
  const { chat, callback, mid, key } = incoming
  const effects: Effects = { messages: [], offers: [], droppedOffers: [], deferred: [] }
  let dialog = options.dialog
  let isAnswered = false

  const at = incoming.at ?? options.receivedAt
  const now = Math.abs(at - options.receivedAt) < CLOCK_TOLERANCE_MS ? at : options.receivedAt
  const errand: Errand = {
    userId: person.userId,
    scope: person.roles.some((role) => role !== 'member') ? 'all' : 'own',
    correlationId,
    signal,
  }
  // A press does not always say in which chat it was; the dialog is known from before.
  const chatId = chat.id ?? person.chatId
  const to = chatId === undefined ? { maxUserId: person.maxUserId } : { chatId }
  const viewer = chat.group ? null : person.maxUserId

  const shown = (card: { taskId: string; version: number } | undefined): { card?: CardShown } =>
    card === undefined ? {} : { card: { ...card, maxUserId: viewer } }

  /** A new message. */
  function say(content: Content, card?: { taskId: string; version: number }): void {
    effects.messages.push({ kind: 'send', ...to, content, ...shown(card), correlationId })
  }

  return {
    incoming,
    person,
    texts: textsIn(person.locale) satisfies Texts,
    /** When it was written: relative dates count from here, however late it is worked. */
    now,
    dates: { now, timeZone: person.timeZone } satisfies DateContext,
    contact: { correlationId, signal } satisfies Contact,
    errand,
    isManager: errand.scope === 'all',
    /** Of the one change that this update makes; the same however often it is worked. */
    idempotencyKey: `bot-${key}`,
    key,
    to,
    chatId,
    viewer,
    effects,
    get dialog(): Dialog | undefined {
      return dialog
    },
    say,

    /** On the message whose button was pressed; else a new one. */
    show(content: Content, card?: { taskId: string; version: number }): void {
      if (callback === undefined || isAnswered) return say(content, card)
      isAnswered = true
      effects.messages.push({
        kind: 'edit',
        ...to,
        ...(mid === undefined ? {} : { mid }),
        callbackId: callback.id,
        content,
        ...shown(card),
        otherwise: 'send',
        correlationId,
      })
    },

    /** Changes a message that was sent before; a new one when it is gone. */
    edit(target: string, content: Content, card?: { taskId: string; version: number }): void {
      effects.messages.push({
        kind: 'edit',
        ...to,
        mid: target,
        content,
        ...shown(card),
        otherwise: 'send',
        correlationId,
      })
    },

    /** What the next message of this person in this chat means. */
    expect(next: Dialog | undefined): void {
      dialog = next
      effects.dialog = next ?? null
    },
    offer: (text: string): string => {
      effects.offers.push({ id: key, maxUserId: person.maxUserId, text })
      return key
    },
    dropOffer: (id: string): void => void effects.droppedOffers.push(id),
    defer: (task: DeferredTask): void => void effects.deferred.push(task),

    /** Nothing was said and nothing is expected. */
    takeBack(): void {
      isAnswered = false
      dialog = options.dialog
      Object.assign(effects, { messages: [], offers: [], droppedOffers: [], deferred: [] })
      delete effects.dialog
    },

    /** Ends the turn: a press is always answered. */
    finish(): Effects {
      if (callback !== undefined && !isAnswered) {
        isAnswered = true
        effects.messages.unshift({
          kind: 'acknowledge',
          ...(chatId === undefined ? {} : { chatId }),
          callbackId: callback.id,
          text: '✓',
          correlationId,
        })
      }
      return effects
    },
  }
}

/** The library's context of an update, with the turn that the commands speak through. */
export class TurnContext extends Context {
  readonly turn: Turn

  constructor(update: Update, api: Bot['api'], info: BotInfo | undefined, turn: Turn) {
    super(update, api, info)
    this.turn = turn
  }
}
