import type { FastifyBaseLogger } from 'fastify'
import type { AnyTransaction } from '@potok/core/database'
import { createQueue, type Job, type Outcome, type Queue, type Settlement } from '@potok/core/queue'
import type { Store } from '../store/index.ts'
import type { CardMessages } from './card-messages.ts'
import { verdictOf } from './delivery.ts'
import { PlatformRefused } from './errors.ts'
import { unrecordedIn, type LastSent } from './last-sent.ts'
import type { BotMetrics } from './metrics.ts'
import { Outgoing, type OutgoingOf } from './outgoing.ts'
import type { Pace } from './pace.ts'
import type { Platform, Self, SentMessage } from './platform.ts'
import type { Context } from '@maxhub/max-bot-api'

export interface OutboxDeps {
  database: Store
  platform: Pick<Platform<Context>, 'send' | 'edit' | 'answer' | 'acknowledge' | 'latest'>
  self: () => Self | undefined
  lastSent: LastSent
  pace: Pace
  cards: CardMessages
  people: {
    /** MAX does not let us write to this person until they write again. */
    markUnreachable: (
      trx: AnyTransaction,
      to: { chatId?: number; maxUserId?: number },
    ) => Promise<void>
  }
  metrics: BotMetrics
  log: FastifyBaseLogger
  /** A message that could not be sent for so long is of no use any more. */
  maxAgeMs: number
  concurrency: number
  pollMs?: number
}

interface Sending extends OutboxDeps {
  /** Jobs whose last try the platform's limit refused. */
  limited: Set<string>
}

/** What a settled message leaves behind. */
type Trace = { sent: SentMessage } | { unreachable: true } | { gone: true }

type OutboxJob = Job<Outgoing>
type OutboxOutcome = Outcome<Trace>

export interface NewMessage {
  /** The same message is stored once. */
  dedupeKey: string
  message: Outgoing
}

export type Outbox = ReturnType<typeof createOutbox>

/** Messages of one lane go out one after another, in the order in which they were stored. */
const KEY = 'order'
/** Beyond the deadline of several calls, the waiting for their turn included. */
const LEASE_MS = 60_000
/** Forgetting one costs a question to the platform. */
const LIMITED_REMEMBERED = 1000
/** Messages of a chat looked through for one that may have been sent. */
const LOOKED_THROUGH = 20

/** Where a message stands in the order: its chat, else the person. Acknowledgements do not wait for messages. */
function laneOf(message: Outgoing): string {
  if (message.kind === 'acknowledge') return `press:${message.chatId ?? 'unknown'}`
  if (message.chatId !== undefined) return `chat:${message.chatId}`
  return message.maxUserId === undefined ? 'unknown' : `user:${message.maxUserId}`
}

/** Everything the bot says goes through here: stored with what caused it, sent within the limits, tried until taken. */
export function createOutbox(deps: OutboxDeps) {
  const { database } = deps
  const sending: Sending = { ...deps, limited: new Set() }
  const queue: Queue<Outgoing> = createQueue({
    database,
    name: 'bot-outbox',
    payload: Outgoing,
    work: (job: OutboxJob, { signal }) => deliver(sending, job, signal),
    settled: (trx, settlements: readonly Settlement<Outgoing, Trace>[]) =>
      record(deps, trx, settlements),
    log: deps.log,
    leaseMs: LEASE_MS,
    concurrency: deps.concurrency,
    ...(deps.pollMs === undefined ? {} : { pollMs: deps.pollMs }),
  })

  return {
    /** Stores messages in the transaction of what they tell. */
    async put(trx: AnyTransaction, messages: readonly NewMessage[]): Promise<void> {
      for (const { message } of messages) await turnCard(deps.cards, trx, message)
      await queue.enqueue(
        trx,
        messages.map(({ dedupeKey, message }) => ({
          lane: laneOf(message),
          key: KEY,
          payload: message,
          dedupeKey,
        })),
      )
    },
    start: (): void => queue.start(),
    close: (): Promise<void> => queue.close(),
    stats: () => queue.stats(),
  }
}

/** An edit turns the message into a card, or into something else, from the moment it is decided. */
async function turnCard(cards: CardMessages, trx: AnyTransaction, message: Outgoing) {
  if (message.kind !== 'edit' || message.mid === undefined || message.chatId === undefined) return
  if (message.card === undefined) await cards.forget(trx, message.mid)
  else await cards.show(trx, message.chatId, message.mid, message.card)
}

async function deliver(deps: Sending, job: OutboxJob, signal: AbortSignal): Promise<OutboxOutcome> {
  const { metrics, log } = deps
  const { correlationId, kind } = job.payload
  const child = log.child({ correlationId, kind, lane: job.lane })
  try {
    const before = await sentBefore(deps, job, signal)
    const sent = before ?? (await say(deps, job.payload, signal))
    metrics.sent(before !== undefined || sent === undefined ? 'skipped' : 'sent')
    child.debug({ mid: sent?.mid }, 'message sent')
    return sent === undefined ? { status: 'done' } : { status: 'done', result: { sent } }
  } catch (error) {
    return failed(deps, job, error, child)
  }
}

/**
 * A try whose answer was lost, or whose process died, may have sent the message: the chat is asked before it is sent again.
 * Edits bear repetition, so only new messages are looked for.
 */
async function sentBefore(
  { platform, pace, self, lastSent, metrics, limited }: Sending,
  { id, payload, attempt, leases }: OutboxJob,
  signal: AbortSignal,
): Promise<SentMessage | undefined> {
  if (payload.kind !== 'send' || (attempt === 1 && leases === 1)) return undefined
  // Refused by the limit: nobody took it, and another question would only make the limit worse.
  if (limited.delete(id) && leases === 1) return undefined
  const { chatId, content } = payload
  const selfId = self()?.id
  if (chatId === undefined || selfId === undefined) {
    metrics.repeated(payload.kind)
    return undefined
  }
  await pace.take(`list:${chatId}`, signal)
  const listed = await listedIn(platform, chatId)
  if (listed === undefined) {
    metrics.repeated(payload.kind)
    return undefined
  }
  const mid = unrecordedIn(listed, { selfId, lastMid: await lastSent.get(chatId), content })
  return mid === undefined ? undefined : { mid, chatId }
}

/** Undefined: the platform does not show us this chat, such as a group where the bot is no administrator. */
async function listedIn(platform: OutboxDeps['platform'], chatId: number) {
  try {
    return await platform.latest(chatId, LOOKED_THROUGH)
  } catch (error) {
    if (error instanceof PlatformRefused && error.status !== 429) return undefined
    throw error
  }
}

function failed(
  { metrics, maxAgeMs, limited }: Sending,
  job: OutboxJob,
  error: unknown,
  log: FastifyBaseLogger,
): OutboxOutcome {
  const verdict = verdictOf(error, job.attempt)
  if (verdict.next === 'retry') {
    metrics.sent(verdict.outcome)
    if (verdict.outcome === 'limited' && limited.size < LIMITED_REMEMBERED) limited.add(job.id)
    const { delayMs } = verdict
    if (Date.now() - job.enqueuedAt > maxAgeMs) {
      log.error({ err: error, attempt: job.attempt }, 'message given up: it is too old')
      return { status: 'dead', reason: 'too old' }
    }
    log.warn({ err: error, attempt: job.attempt, delayMs }, 'message not sent, trying again')
    return { status: 'retry', delayMs }
  }
  if (verdict.next === 'unreachable') {
    metrics.sent('unreachable')
    log.info({ err: error }, 'this person does not take messages')
    return { status: 'dead', reason: 'unreachable', result: { unreachable: true } }
  }
  metrics.sent('refused')
  const reason = verdict.next === 'gone' ? 'gone' : verdict.reason
  log.error({ err: error }, 'message refused for good')
  return { status: 'dead', reason, result: { gone: true } }
}

/** @returns the message, or undefined when there is none to remember */
async function say(
  deps: OutboxDeps,
  message: Outgoing,
  signal: AbortSignal,
): Promise<SentMessage | undefined> {
  switch (message.kind) {
    case 'send':
      return send(deps, message, signal)
    case 'edit':
      return edit(deps, message, signal)
    case 'acknowledge':
      await deps.pace.take(`answer:${message.chatId}`, signal)
      await acknowledge(deps, message)
      return undefined
  }
}

async function send(
  { pace, platform }: OutboxDeps,
  { chatId, maxUserId, content }: Pick<OutgoingOf<'send'>, 'chatId' | 'maxUserId' | 'content'>,
  signal: AbortSignal,
): Promise<SentMessage> {
  await pace.take(`send:${chatId ?? `user${maxUserId}`}`, signal)
  const sent = await platform.send(
    chatId === undefined ? { maxUserId: maxUserId ?? 0 } : { chatId },
    content,
  )
  return { mid: sent.mid, chatId: sent.chatId ?? chatId }
}

async function edit(
  deps: OutboxDeps,
  message: OutgoingOf<'edit'>,
  signal: AbortSignal,
): Promise<SentMessage | undefined> {
  const { mid, chatId, callbackId, content, onlyCardOf, otherwise } = message
  if (onlyCardOf !== undefined && (mid === undefined || !(await deps.cards.shows(mid, onlyCardOf))))
    return undefined
  const edited = mid === undefined ? undefined : { mid, chatId }
  const ways = [
    callbackId === undefined ? undefined : () => deps.platform.answer(callbackId, content),
    mid === undefined ? undefined : () => deps.platform.edit(mid, content),
  ].filter((way) => way !== undefined)
  for (const way of ways) {
    await deps.pace.take(`edit:${chatId ?? mid ?? callbackId}`, signal)
    if (await took(way)) return edited
  }
  if (otherwise === 'drop') return undefined
  return send(deps, message, signal)
}

/** False: this way is closed (a press that is too old, a message that is gone), perhaps another one is open. */
async function took(way: () => Promise<void>): Promise<boolean> {
  try {
    await way()
    return true
  } catch (error) {
    const { next } = verdictOf(error, 1)
    if (next === 'retry') throw error
    return false
  }
}

/** Nobody waits for it: whatever it is refused for, it is over. */
async function acknowledge({ platform, log }: OutboxDeps, message: OutgoingOf<'acknowledge'>) {
  const taken = await took(() => platform.acknowledge(message.callbackId, message.text))
  if (!taken) log.debug({ correlationId: message.correlationId }, 'press is too old to answer')
}

async function record(
  { cards, people, lastSent }: OutboxDeps,
  trx: AnyTransaction,
  settlements: readonly Settlement<Outgoing, Trace>[],
): Promise<void> {
  for (const { job, outcome } of settlements) {
    const { payload } = job
    if (outcome.result === undefined || payload.kind === 'acknowledge') continue
    if ('unreachable' in outcome.result) await people.markUnreachable(trx, payload)
    else if ('gone' in outcome.result) {
      if (payload.kind === 'edit' && payload.mid !== undefined) await cards.forget(trx, payload.mid)
    } else {
      const { mid, chatId } = outcome.result.sent
      const isNew = payload.kind === 'send' || payload.mid !== mid
      if (!isNew || chatId === undefined) continue
      await lastSent.set(trx, chatId, mid)
      if (payload.card !== undefined) await cards.show(trx, chatId, mid, payload.card)
    }
  }
}
