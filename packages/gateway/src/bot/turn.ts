import { Context, type Bot } from '@maxhub/max-bot-api'
import type { BotInfo, Update } from '@maxhub/max-bot-api/types'
import type { DateContext } from './dates/index.ts'
import type { DeferredTask } from './deferred.ts'
import type { Dialog } from './dialogs.ts'
import type { Offer } from './offers.ts'
import type { CardShown, Content, Outgoing } from './outgoing.ts'
import type { Person } from './people.ts'
import type { Contact } from './service-call.ts'
import type { Errand } from './tasks.ts'
import { textsIn } from './texts/index.ts'
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

/** Task and version that a message shows. */
type Shown = Pick<CardShown, 'taskId' | 'version'>

/** The platform's clock is believed when it is about as late as ours. */
const CLOCK_TOLERANCE_MS = 86_400_000

export const noEffects = (): Effects => ({
  messages: [],
  offers: [],
  droppedOffers: [],
  deferred: [],
})

export type Turn = ReturnType<typeof createTurn>

/** One update and the answers to it. Working it again gives the same, whatever happened in between. */
export function createTurn(options: TurnOptions) {
  const { incoming, person, correlationId, signal, receivedAt } = options
  const at = incoming.at ?? receivedAt
  const now = Math.abs(at - receivedAt) < CLOCK_TOLERANCE_MS ? at : receivedAt
  const errand: Errand = {
    userId: person.userId,
    scope: person.roles.some((role) => role !== 'member') ? 'all' : 'own',
    correlationId,
    signal,
  }
  const contact: Contact = { correlationId, signal }
  const dates: DateContext = { now, timeZone: person.timeZone }
  // A press does not always say in which chat it was; the dialog is known from before.
  const chatId = incoming.chat.id ?? person.chatId
  const to = chatId === undefined ? { maxUserId: person.maxUserId } : { chatId }
  return {
    incoming,
    person,
    texts: textsIn(person.locale),
    /** When it was written: relative dates count from here, however late it is worked. */
    now,
    dates,
    contact,
    errand,
    isManager: errand.scope === 'all',
    /** Of the one change that this update makes; the same however often it is worked. */
    idempotencyKey: `bot-${incoming.key}`,
    key: incoming.key,
    to,
    chatId,
    ...createVoice(options, to),
  }
}

/** What is said and remembered in a turn. */
function createVoice(options: TurnOptions, to: { chatId: number } | { maxUserId: number }) {
  const { incoming, person, correlationId } = options
  const { callback, mid, chat } = incoming
  let effects = noEffects()
  let dialog = options.dialog
  let isAnswered = false

  const cardShown = (card: Shown | undefined): { card?: CardShown } =>
    card === undefined ? {} : { card: { ...card, maxUserId: chat.group ? null : person.maxUserId } }

  function say(content: Content, card?: Shown): void {
    effects.messages.push({ kind: 'send', ...to, content, ...cardShown(card), correlationId })
  }

  function edit(target: { mid?: string; callbackId?: string }, content: Content, card?: Shown) {
    const message = { content, ...cardShown(card), otherwise: 'send' as const, correlationId }
    effects.messages.push({ kind: 'edit', ...to, ...target, ...message })
  }

  return {
    dialog: (): Dialog | undefined => dialog,
    /** A new message. */
    say,
    /** On the message whose button was pressed; else a new one. */
    show(content: Content, card?: Shown): void {
      if (callback === undefined || isAnswered) return say(content, card)
      isAnswered = true
      return edit({ callbackId: callback.id, ...(mid !== undefined && { mid }) }, content, card)
    },
    /** Changes a message that was sent before; a new one when it is gone. */
    edit: (target: string, content: Content, card?: Shown): void =>
      edit({ mid: target }, content, card),
    /** What the next message of this person in this chat means. */
    expect(next: Dialog | undefined): void {
      dialog = next
      effects.dialog = next ?? null
    },
    /** @returns the id under which the text can be had again */
    offer(text: string): string {
      effects.offers.push({ id: incoming.key, maxUserId: person.maxUserId, text })
      return incoming.key
    },
    dropOffer: (id: string): void => void effects.droppedOffers.push(id),
    defer: (task: DeferredTask): void => void effects.deferred.push(task),
    /** Nothing was said and nothing is expected. */
    takeBack(): void {
      isAnswered = false
      dialog = options.dialog
      effects = noEffects()
    },
    /** Ends the turn: a press is always answered. */
    finish(): Effects {
      if (callback !== undefined && !isAnswered) {
        const answer = { callbackId: callback.id, text: '✓', correlationId }
        effects.messages.unshift({
          kind: 'acknowledge',
          ...('chatId' in to ? { chatId: to.chatId } : {}),
          ...answer,
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
