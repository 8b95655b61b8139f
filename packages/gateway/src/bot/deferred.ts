import { Type, type Static } from '@sinclair/typebox'
import { TaskMetadata } from '@potok/contracts/task'
import type { AnyTransaction } from '@potok/core/database'
import { createQueue, type Queue } from '@potok/core/queue'
import type { FastifyBaseLogger } from 'fastify'
import type { Store } from '../store/index.ts'
import type { Cards } from './cards.ts'
import { content, escaped } from './content.ts'
import { backOffMs } from './delivery.ts'
import { PeopleUnavailable, TasksUnavailable } from './errors.ts'
import type { Outbox } from './outbox.ts'
import type { Outgoing } from './outgoing.ts'
import type { People } from './people.ts'
import type { Tasks } from './tasks.ts'
import { textsIn } from './texts/index.ts'

/** A task that was typed while the state service was away. */
export const DeferredTask = Type.Object({
  taskId: Type.String(),
  metadata: TaskMetadata,
  idempotencyKey: Type.String(),
  userId: Type.String(),
  chatId: Type.Optional(Type.Integer()),
  maxUserId: Type.Optional(Type.Integer()),
  group: Type.Boolean(),
  locale: Type.Union([Type.Literal('ru'), Type.Literal('en')]),
  correlationId: Type.String(),
})
export type DeferredTask = Static<typeof DeferredTask>

export interface DeferredDeps {
  database: Store
  tasks: Tasks
  people: Pick<People, 'toTell'>
  cards: Cards
  outbox: Pick<Outbox, 'put'>
  log: FastifyBaseLogger
  /** After this the person is told that it did not work. */
  maxAgeMs: number
  pollMs?: number
}

export type Deferred = ReturnType<typeof createDeferred>

/** Tasks of one chat are created in the order in which they were typed. */
const KEY = 'order'
const LONGEST_DELAY_MS = 15_000

/** Creates what was typed while the state service was away, and tells the person. */
export function createDeferred(deps: DeferredDeps) {
  const { database, tasks, people, cards, outbox, log, maxAgeMs } = deps

  /** The message that tells of the task. A person that cannot be asked for now is told all the same. */
  async function created(task: DeferredTask, signal: AbortSignal): Promise<Outgoing | undefined> {
    const { taskId, metadata, userId, correlationId, idempotencyKey } = task
    const errand = { userId, scope: 'own' as const, correlationId, signal }
    const result = await tasks.create(taskId, metadata, idempotencyKey, errand)
    if (!result.done) throw new Error(`The state service refused: ${result.why}`)
    const viewer = await people.toTell(userId, { correlationId, signal })
    if (viewer === undefined) return undefined
    const texts = textsIn(task.locale)
    const shown = await cards.render(
      result.state,
      { viewer, group: task.group, texts, now: Date.now() },
      errand,
      texts.card.created,
    )
    const { chatId, maxUserId } = task
    return {
      kind: 'send',
      ...(chatId === undefined ? {} : { chatId }),
      ...(maxUserId === undefined ? {} : { maxUserId }),
      content: shown,
      card: {
        taskId,
        version: result.state.version,
        maxUserId: task.group ? null : viewer.maxUserId,
      },
      correlationId,
    }
  }

  function lost(task: DeferredTask): Outgoing {
    const { chatId, maxUserId, correlationId, metadata } = task
    return {
      kind: 'send',
      ...(chatId === undefined ? {} : { chatId }),
      ...(maxUserId === undefined ? {} : { maxUserId }),
      content: content([textsIn(task.locale).down.lost(escaped(metadata.title))]),
      correlationId,
    }
  }

  const queue: Queue<DeferredTask> = createQueue({
    database,
    name: 'bot-deferred',
    payload: DeferredTask,
    async work(job, { signal }) {
      const { payload, attempt } = job
      const child = log.child({ correlationId: payload.correlationId, entityId: payload.taskId })
      try {
        const message = await created(payload, signal)
        child.info({ userId: payload.userId }, 'kept task created')
        return { status: 'done' as const, ...(message && { result: message }) }
      } catch (error) {
        const away = error instanceof TasksUnavailable || error instanceof PeopleUnavailable
        const tooOld = Date.now() - job.enqueuedAt > maxAgeMs
        if (away && !tooOld) {
          const delayMs = Math.min(LONGEST_DELAY_MS, backOffMs(attempt))
          return { status: 'retry' as const, delayMs }
        }
        child.error({ err: error }, 'kept task could not be created')
        return { status: 'dead' as const, reason: 'not created', result: lost(payload) }
      }
    },
    async settled(trx, settlements) {
      const told = settlements.flatMap(({ job, outcome }) =>
        outcome.result === undefined
          ? []
          : [{ dedupeKey: `deferred:${job.payload.taskId}`, message: outcome.result }],
      )
      await outbox.put(trx, told)
    },
    log,
    ...(deps.pollMs === undefined ? {} : { pollMs: deps.pollMs }),
  })

  return {
    async put(trx: AnyTransaction, kept: readonly DeferredTask[]): Promise<void> {
      const jobs = kept.map((payload) => ({
        lane: payload.chatId === undefined ? `user:${payload.maxUserId}` : `chat:${payload.chatId}`,
        key: KEY,
        payload,
        dedupeKey: payload.taskId,
      }))
      await queue.enqueue(trx, jobs)
    },
    start: (): void => queue.start(),
    close: (): Promise<void> => queue.close(),
    stats: () => queue.stats(),
  }
}
