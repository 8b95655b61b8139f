import { Type, type Static } from '@sinclair/typebox'
import type { EntityEvent } from '@potok/contracts/event'
import type { AnyTransaction } from '@potok/core/database'
import { isUpstreamError } from '@potok/core/http-client'
import { createQueue, type Job, type Outcome, type Queue, type Settlement } from '@potok/core/queue'
import type { Store } from '../store/index.ts'
import { backOffMs } from './delivery.ts'
import { PeopleUnavailable, TasksUnavailable } from './errors.ts'
import type { NewMessage, Outbox } from './outbox.ts'
import { Notice } from './told.ts'
import type { FastifyBaseLogger } from 'fastify'
import type { TaskEvents } from './task-events.ts'

/** Look at what happened to a task, or tell one person of it. */
export const NoticeJob = Type.Union([
  Type.Object({ kind: Type.Literal('look'), taskId: Type.String(), correlationId: Type.String() }),
  Type.Object({
    kind: Type.Literal('tell'),
    taskId: Type.String(),
    correlationId: Type.String(),
    notice: Notice,
  }),
])
export type NoticeJob = Static<typeof NoticeJob>
export type Look = Extract<NoticeJob, { kind: 'look' }>
export type Tell = Extract<NoticeJob, { kind: 'tell' }>

/** What a look found: who is to be told, and which messages show the task. */
export interface Findings {
  /** Events that are dealt with. */
  eventIds: string[]
  notices: Notice[]
  edits: NewMessage[]
}

/** What is to be said to a person, and when. */
export type Telling = { message: NewMessage } | { afterMs: number } | { nothing: true }

export interface NoticesDeps {
  database: Store
  events: TaskEvents
  /** Reads the state service and the chats: finds out what happened. */
  find: (events: readonly EntityEvent[], look: Look, signal: AbortSignal) => Promise<Findings>
  /** Asks the admin service for the person's settings and draws the message. */
  tell: (tell: Tell, signal: AbortSignal) => Promise<Telling>
  outbox: Pick<Outbox, 'put'>
  /** Tells it where else people are told. */
  announce: (trx: AnyTransaction, taskId: string, notices: readonly Notice[]) => Promise<void>
  log: FastifyBaseLogger
  /** A task must be quiet for so long before its changes are told as one. */
  quietMs: number
  pollMs?: number
}

type Trace = Findings | { message: NewMessage }
type NoticeOutcome = Outcome<Trace>

const KEY = 'order'
const LONGEST_DELAY_MS = 60_000

/** Tells people of the changes of tasks that concern them: durably, once, together, and not at night. */
export function createNotices(deps: NoticesDeps) {
  const { database, events, log, quietMs, pollMs } = deps
  const queue: Queue<NoticeJob> = createQueue({
    database,
    name: 'bot-notices',
    payload: NoticeJob,
    work: (job: Job<NoticeJob>, { signal }) => work(deps, job, signal),
    settled: (trx, settlements: readonly Settlement<NoticeJob, Trace>[]) =>
      record(deps, queue, trx, settlements),
    log,
    ...(pollMs === undefined ? {} : { pollMs }),
  })

  return {
    /** Stores an event; resolves when it is durable. A repetition changes nothing. */
    async take(event: EntityEvent, correlationId: string): Promise<void> {
      const { entity, id: taskId } = event.data
      if (entity !== 'task') return
      const payload = { kind: 'look' as const, taskId, correlationId }
      await database.write(async (trx) => {
        if (!(await events.keep(trx, event))) return
        const lane = `task:${taskId}`
        await queue.enqueue(trx, [{ lane, key: KEY, payload, delayMs: quietMs }])
      })
    },
    start: (): void => queue.start(),
    close: (): Promise<void> => queue.close(),
    stats: () => queue.stats(),
  }
}

async function work(
  deps: NoticesDeps,
  { payload, attempt }: Job<NoticeJob>,
  signal: AbortSignal,
): Promise<NoticeOutcome> {
  try {
    return payload.kind === 'look'
      ? await lookAt(deps, payload, signal)
      : await tell(deps, payload, signal)
  } catch (error) {
    const isAway = error instanceof TasksUnavailable || error instanceof PeopleUnavailable
    if (!isAway || signal.aborted) throw error
    const { cause } = error
    // While a circuit is open everything that is asked sooner is refused.
    const askedMs = isUpstreamError(cause) ? (cause.retryAfterSeconds ?? 0) * 1000 : 0
    const delayMs = Math.max(askedMs, Math.min(LONGEST_DELAY_MS, backOffMs(attempt)))
    const { correlationId, taskId: entityId } = payload
    // There may be many of them at once, and the cause is logged where it arose.
    const reason = cause instanceof Error ? cause.message : error.message
    deps.log.warn({ reason, correlationId, entityId, delayMs }, 'people cannot be told yet')
    return { status: 'retry', delayMs }
  }
}

async function lookAt(
  { events, find }: NoticesDeps,
  look: Look,
  signal: AbortSignal,
): Promise<NoticeOutcome> {
  const open = await events.untold(look.taskId)
  // Something happened a moment ago: its own look comes when the storm is over.
  if (open.events.length === 0 || !open.isSettled) return { status: 'done' }
  const result = await find(open.events, look, signal)
  // What did not fit is looked at next; what was found is stored either way.
  return open.isAll ? { status: 'done', result } : { status: 'retry', delayMs: 0, result }
}

async function tell(deps: NoticesDeps, job: Tell, signal: AbortSignal): Promise<NoticeOutcome> {
  const telling = await deps.tell(job, signal)
  if ('afterMs' in telling) return { status: 'retry', delayMs: telling.afterMs }
  return 'message' in telling ? { status: 'done', result: telling } : { status: 'done' }
}

async function record(
  { events, outbox, announce }: NoticesDeps,
  queue: Queue<NoticeJob>,
  trx: AnyTransaction,
  settlements: readonly Settlement<NoticeJob, Trace>[],
): Promise<void> {
  for (const { job, outcome } of settlements) {
    const { result } = outcome
    if (result === undefined) continue
    if ('message' in result) {
      await outbox.put(trx, [result.message])
      continue
    }
    await events.markTold(trx, result.eventIds)
    await outbox.put(trx, result.edits)
    await announce(trx, job.payload.taskId, result.notices)
    await enqueueTells(queue, trx, job.payload, result.notices)
  }
}

/** What still waits for a person's morning is replaced: they are told of a task once, by its newest. */
async function enqueueTells(
  queue: Queue<NoticeJob>,
  trx: AnyTransaction,
  { taskId, correlationId }: NoticeJob,
  notices: readonly Notice[],
): Promise<void> {
  const jobs = notices.map((notice) => ({
    id: `tell:${notice.userId}:${taskId}`,
    lane: `user:${notice.userId}`,
    payload: { kind: 'tell' as const, taskId, correlationId, notice },
    dedupeKey: `tell:${notice.eventId}:${notice.userId}`,
  }))
  await queue.skip(trx, { ids: jobs.map(({ id }) => id) })
  await queue.enqueue(trx, jobs)
}
