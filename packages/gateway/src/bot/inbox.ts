import { Type, type Static } from '@sinclair/typebox'
import type { FastifyBaseLogger } from 'fastify'
import type { AnyTransaction } from '@potok/core/database'
import { createQueue, type Outcome, type Queue, type Settlement } from '@potok/core/queue'
import { addressOf } from './addressing.ts'
import type { CardMessages } from './card-messages.ts'
import { content } from './content.ts'
import type { Deferred } from './deferred.ts'
import { backOffMs } from './delivery.ts'
import type { Dialogs } from './dialogs.ts'
import { PeopleUnavailable, TasksUnavailable } from './errors.ts'
import type { BotMetrics } from './metrics.ts'
import type { Offers } from './offers.ts'
import type { Outbox } from './outbox.ts'
import type { Outgoing } from './outgoing.ts'
import type { People, Person } from './people.ts'
import { libraryInfo, type Platform, type Self } from './platform.ts'
import type { Store } from '../store/index.ts'
import { localeOf, textsIn, type Texts } from './texts/index.ts'
import { createTurn, TurnContext, type Effects, type Turn } from './turn.ts'
import { isKnownUpdate, readUpdate, type Incoming } from './update.ts'

/** An update as it was received. */
export const StoredUpdate = Type.Object({
  /** Of the request that brought it. */
  correlationId: Type.String(),
  /** Epoch milliseconds. */
  receivedAt: Type.Integer(),
  update: Type.Record(Type.String(), Type.Unknown()),
})
export type StoredUpdate = Static<typeof StoredUpdate>

export interface InboxDeps {
  database: Store
  bot: Platform<TurnContext>['bot']
  /** What the platform says of the bot; undefined until it was asked. */
  self: () => Self | undefined
  people: People
  dialogs: Dialogs
  offers: Offers
  cards: CardMessages
  deferred: Pick<Deferred, 'put'>
  outbox: Pick<Outbox, 'put'>
  metrics: BotMetrics
  log: FastifyBaseLogger
  concurrency: number
  /** How long an update waits for the admin service when we do not know who wrote. */
  patienceMs: number
  pollMs?: number
}

/** What an update leaves behind, stored in the transaction that ends it. */
interface Trace {
  key: string
  effects?: Effects
  /** Whose conversation it is. */
  conversation?: { chat: string; maxUserId: number }
  /** Rows about chats and people that the platform told us are over. */
  over?: { chatId?: number; mid?: string; unreachable?: number }
}

type UpdateOutcome = Outcome<Trace>

export type Inbox = ReturnType<typeof createInbox>

/** Updates of one chat are worked one after another, over all replicas. */
const KEY = 'order'
const LEASE_MS = 45_000
/** An update whose handling fails for a reason of ours is tried so often. */
const ATTEMPTS = 3

/** Works what the platform told us: each update once as far as anybody can see, whenever a process dies. */
export function createInbox(deps: InboxDeps) {
  const { database, log } = deps
  const queue: Queue<StoredUpdate> = createQueue({
    database,
    name: 'bot-inbox',
    payload: StoredUpdate,
    work: (job, { signal }) => work(deps, job, signal),
    settled: (trx, settlements: readonly Settlement<StoredUpdate, Trace>[]) =>
      record(deps, trx, settlements),
    log,
    leaseMs: LEASE_MS,
    concurrency: deps.concurrency,
    ...(deps.pollMs === undefined ? {} : { pollMs: deps.pollMs }),
  })

  return {
    /** @returns false when it is a repetition */
    async put(
      trx: AnyTransaction,
      update: { key: string; lane: string; stored: StoredUpdate },
    ): Promise<boolean> {
      const accepted = await queue.enqueue(trx, [
        { lane: update.lane, key: KEY, payload: update.stored, dedupeKey: update.key },
      ])
      return accepted.length > 0
    },
    start: (): void => queue.start(),
    close: (): Promise<void> => queue.close(),
    stats: () => queue.stats(),
  }
}

async function work(
  deps: InboxDeps,
  job: { payload: StoredUpdate; attempt: number; enqueuedAt: number },
  signal: AbortSignal,
): Promise<UpdateOutcome> {
  const { payload, attempt, enqueuedAt } = job
  const type = String(payload.update['update_type'])
  if (!isKnownUpdate(type)) return { status: 'done' }
  const { incoming, isForBot } = addressOf(readUpdate(type, payload.update), deps.self())
  const log = deps.log.child({ correlationId: payload.correlationId, event: type })
  try {
    const trace = await handle(deps, { incoming, isForBot, payload, signal })
    deps.metrics.worked('done')
    return { status: 'done', result: { ...trace, key: incoming.key } }
  } catch (error) {
    if (signal.aborted) throw error
    const waited = Date.now() - enqueuedAt
    if (error instanceof PeopleUnavailable && waited < deps.patienceMs) {
      deps.metrics.worked('retried')
      log.warn({ err: error }, 'the person is not known yet, trying again')
      const delayMs = Math.min(15_000, backOffMs(attempt))
      return { status: 'retry', delayMs, result: apology(incoming, payload, 'people') }
    }
    if (attempt < ATTEMPTS && !(error instanceof PeopleUnavailable)) {
      deps.metrics.worked('retried')
      log.error({ err: error, attempt }, 'update failed, trying again')
      return { status: 'retry', delayMs: backOffMs(attempt) }
    }
    deps.metrics.worked('failed')
    log.error({ err: error }, 'update failed for good')
    const reason = error instanceof Error ? error.message.slice(0, 500) : 'unknown'
    return { status: 'dead', reason, result: apology(incoming, payload, 'broken') }
  }
}

/** Said once to whoever waits for an answer that does not come. */
function apology(incoming: Incoming, payload: StoredUpdate, why: 'people' | 'broken'): Trace {
  const { chat, sender, key } = incoming
  const to =
    chat.id !== undefined
      ? { chatId: chat.id }
      : sender !== undefined
        ? { maxUserId: sender.user_id }
        : undefined
  const trace = { key: `${key}:${why}` }
  if (to === undefined) return trace
  const texts = textsIn(localeOf(incoming.userLocale))
  const message: Outgoing = {
    kind: 'send',
    ...to,
    content: content([texts.down[why]]),
    correlationId: payload.correlationId,
  }
  return { ...trace, effects: { messages: [message], offers: [], droppedOffers: [], deferred: [] } }
}

interface Case {
  incoming: Incoming
  isForBot: boolean
  payload: StoredUpdate
  signal: AbortSignal
}

async function handle(deps: InboxDeps, given: Case): Promise<Omit<Trace, 'key'>> {
  const { incoming } = given
  const { chat, sender, mid } = incoming
  switch (incoming.type) {
    case 'bot_stopped':
    case 'dialog_removed':
      return sender === undefined ? {} : { over: { unreachable: sender.user_id } }
    case 'bot_removed':
      return chat.id === undefined ? {} : { over: { chatId: chat.id } }
    case 'message_removed':
      return mid === undefined ? {} : { over: { mid } }
    case 'bot_added':
      return { effects: introduction(given) }
    case 'bot_started':
    case 'message_created':
    case 'message_callback':
      return converse(deps, given)
  }
}

/** What the bot says when it comes into a group. */
function introduction({ incoming, payload }: Case): Effects {
  const texts = textsIn(localeOf(incoming.userLocale))
  const messages: Outgoing[] =
    incoming.chat.id === undefined
      ? []
      : [
          {
            kind: 'send',
            chatId: incoming.chat.id,
            content: content([texts.addedToChat]),
            correlationId: payload.correlationId,
          },
        ]
  return { messages, offers: [], droppedOffers: [], deferred: [] }
}

async function converse(deps: InboxDeps, given: Case): Promise<Omit<Trace, 'key'>> {
  const { incoming, payload, signal } = given
  const { sender, chat, userLocale } = incoming
  const me = deps.self()
  if (sender === undefined || sender.is_bot === true || sender.user_id === me?.id) return {}
  const chatKey = chat.id === undefined ? undefined : `chat:${chat.id}`
  const early = chatKey === undefined ? undefined : await deps.dialogs.get(chatKey, sender.user_id)
  if (!given.isForBot && early === undefined) return {}

  const { correlationId, receivedAt } = payload
  const chatId = chat.group ? undefined : chat.id
  const isComing = incoming.type === 'bot_started'
  const person = await deps.people.meet(
    { sender, userLocale, chatId, isComing },
    { correlationId, signal },
  )
  const conversation = {
    chat:
      chatKey ?? (person.chatId === undefined ? `user:${sender.user_id}` : `chat:${person.chatId}`),
    maxUserId: sender.user_id,
  }
  const dialog = early ?? (await deps.dialogs.get(conversation.chat, sender.user_id))
  const turn = createTurn({ incoming, person, dialog, correlationId, signal, receivedAt })
  await speak(deps, turn, person)
  return { effects: turn.finish(), conversation }
}

async function speak(deps: InboxDeps, turn: Turn, person: Person): Promise<void> {
  const { bot } = deps
  const { texts, incoming } = turn
  if (!person.active) {
    turn.say(content([texts.refused.inactive]))
    return
  }
  try {
    const self = deps.self()
    const info = self && libraryInfo(self)
    const context = new TurnContext(incoming.update, bot.api, info, turn)
    await bot.middleware()(context, async () => {})
  } catch (error) {
    const sentence = sentenceFor(error, texts)
    if (sentence === undefined) throw error
    const { correlationId } = turn.contact
    deps.log.warn({ err: error, correlationId, userId: person.userId }, 'answered with an excuse')
    // Half of an answer is worse than none: what was to be said is dropped, the conversation stays where it was.
    turn.takeBack()
    turn.say(content([sentence]))
  }
}

function sentenceFor(error: unknown, texts: Texts): string | undefined {
  if (error instanceof TasksUnavailable) return texts.down.tasks
  return error instanceof PeopleUnavailable ? texts.settings.down : undefined
}

async function record(
  deps: InboxDeps,
  trx: AnyTransaction,
  settlements: readonly Settlement<StoredUpdate, Trace>[],
): Promise<void> {
  for (const { outcome } of settlements) {
    if (outcome.result === undefined) continue
    const { key, effects, conversation, over } = outcome.result
    if (over !== undefined) await end(deps, trx, over)
    if (effects === undefined) continue
    await deps.outbox.put(
      trx,
      effects.messages.map((message, index) => ({ dedupeKey: `${key}:${index}`, message })),
    )
    if (effects.dialog !== undefined && conversation !== undefined) {
      const { chat, maxUserId } = conversation
      await deps.dialogs.set(trx, chat, maxUserId, effects.dialog ?? undefined)
    }
    for (const offer of effects.offers) await deps.offers.put(trx, offer)
    for (const id of effects.droppedOffers) await deps.offers.remove(trx, id)
    await deps.deferred.put(trx, effects.deferred)
  }
}

async function end(deps: InboxDeps, trx: AnyTransaction, over: NonNullable<Trace['over']>) {
  if (over.chatId !== undefined) await deps.cards.forgetChat(trx, over.chatId)
  if (over.mid !== undefined) await deps.cards.forget(trx, over.mid)
  if (over.unreachable !== undefined) {
    await deps.people.markUnreachable(trx, { maxUserId: over.unreachable })
  }
}
