import type { FastifyBaseLogger } from 'fastify'
import type { AnyTransaction } from '@potok/core/database'
import { createQueue, type Job, type Outcome, type Queue, type Settlement } from '@potok/core/queue'
import type { Store } from '../store/index.ts'
import type { CardMessages } from './card-messages.ts'
import { verdictOf } from './delivery.ts'
import type { LastSent } from './last-sent.ts'
import { Outgoing } from './outgoing.ts'
import type { SentMessage } from './platform.ts'
import { createSender, type Sender, type SenderDeps } from './sender.ts'

export interface OutboxDeps extends SenderDeps {
  database: Store
  lastSent: LastSent
  cards: CardMessages
  people: {
    /** MAX does not let us write to this person until they write again. */
    markUnreachable: (
      trx: AnyTransaction,
      to: { chatId?: number; maxUserId?: number },
    ) => Promise<void>
  }
  /** A message that could not be sent for so long is of no use any more. */
  maxAgeMs: number
  concurrency: number
  pollMs?: number
}

interface Sending extends OutboxDeps {
  sender: Sender
  /** Jobs of which every try so far was refused by the platform's limit. */
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

/** Where a message stands in the order: its chat, else the person. Acknowledgements do not wait for messages. */
function laneOf(message: Outgoing): string {
  if (message.kind === 'acknowledge') return `press:${message.chatId ?? 'unknown'}`
  if (message.chatId !== undefined) return `chat:${message.chatId}`
  return message.maxUserId === undefined ? 'unknown' : `user:${message.maxUserId}`
}

/** Everything the bot says goes through here: stored with what caused it, sent within the limits, tried until taken. */
export function createOutbox(deps: OutboxDeps) {
  const { database } = deps
  const sending: Sending = { ...deps, sender: createSender(deps), limited: new Set() }
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
  const { metrics, log, sender, limited } = deps
  const { correlationId, kind } = job.payload
  const child = log.child({ correlationId, kind, lane: job.lane })
  // What the limit refused nobody took, and a question to the chat would only make the limit worse.
  const refused = limited.delete(job.id)
  const uncertain = job.leases > 1 || (job.attempt > 1 && !refused)
  try {
    const before = uncertain ? await sender.find(job.payload, signal) : undefined
    if (typeof before === 'object') {
      metrics.sent('skipped')
      return { status: 'done', result: { sent: before } }
    }
    const sent = await sender.say(job.payload, before === 'unknown', signal)
    metrics.sent(sent === undefined ? 'skipped' : 'sent')
    child.debug({ mid: sent?.mid }, 'message sent')
    return sent === undefined ? { status: 'done' } : { status: 'done', result: { sent } }
  } catch (error) {
    return failed(deps, job, { error, uncertain }, child)
  }
}

function failed(
  { metrics, maxAgeMs, limited }: Sending,
  job: OutboxJob,
  { error, uncertain }: { error: unknown; uncertain: boolean },
  log: FastifyBaseLogger,
): OutboxOutcome {
  const verdict = verdictOf(error, job.attempt)
  if (verdict.next === 'retry') {
    metrics.sent(verdict.outcome)
    const refused = verdict.outcome === 'limited' && !uncertain
    if (refused && limited.size < LIMITED_REMEMBERED) limited.add(job.id)
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
