import { Type, type Static } from '@sinclair/typebox'
import type { FastifyBaseLogger } from 'fastify'
import { TaskMetadata } from '@potok/contracts/task'
import type { AnyTransaction } from '@potok/core/database'
import { createQueue, type Job, type Outcome, type Queue } from '@potok/core/queue'
import type { Store } from '../store/index.ts'
import type { Cards } from './cards.ts'
import { content, escaped } from './content.ts'
import { backOffMs } from './delivery.ts'
import { PeopleUnavailable, TasksUnavailable } from './errors.ts'
import type { Outbox } from './outbox.ts'
import type { Content, Outgoing } from './outgoing.ts'
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

const laneOf = ({ chatId, maxUserId }: DeferredTask): string =>
  chatId === undefined ? `user:${maxUserId}` : `chat:${chatId}`

/** Creates what was typed while the state service was away, and tells the person. */
export function createDeferred(deps: DeferredDeps) {
  const { database, outbox, log, pollMs } = deps
  const queue: Queue<DeferredTask> = createQueue({
    database,
    name: 'bot-deferred',
    payload: DeferredTask,
    work: (job: Job<DeferredTask>, { signal }) => work(deps, job, signal),
    async settled(trx, settlements) {
      const told = settlements.flatMap(({ job, outcome }) =>
        outcome.result === undefined
          ? []
          : [{ dedupeKey: `deferred:${job.payload.taskId}`, message: outcome.result }],
      )
      await outbox.put(trx, told)
    },
    log,
    ...(pollMs === undefined ? {} : { pollMs }),
  })

  return {
    async put(trx: AnyTransaction, kept: readonly DeferredTask[]): Promise<void> {
      const jobs = kept.map((payload) => ({
        lane: laneOf(payload),
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

async function work(
  deps: DeferredDeps,
  { payload, attempt, enqueuedAt }: Job<DeferredTask>,
  signal: AbortSignal,
): Promise<Outcome<Outgoing>> {
  const { correlationId, taskId: entityId, userId } = payload
  const log = deps.log.child({ correlationId, entityType: 'task', entityId, userId })
  try {
    const result = await created(deps, payload, signal)
    log.info('kept task created')
    return result === undefined ? { status: 'done' } : { status: 'done', result }
  } catch (error) {
    if (signal.aborted) throw error
    const isAway = error instanceof TasksUnavailable || error instanceof PeopleUnavailable
    if (isAway && Date.now() - enqueuedAt < deps.maxAgeMs) {
      return { status: 'retry', delayMs: Math.min(LONGEST_DELAY_MS, backOffMs(attempt)) }
    }
    log.error({ err: error }, 'kept task could not be created')
    const { down } = textsIn(payload.locale)
    const lost = content([down.lost(escaped(payload.metadata.title))])
    return { status: 'dead', reason: 'not created', result: message(payload, lost) }
  }
}

function message(task: DeferredTask, shown: Content): Extract<Outgoing, { kind: 'send' }> {
  const { chatId, maxUserId, correlationId } = task
  return {
    kind: 'send',
    ...(chatId === undefined ? {} : { chatId }),
    ...(maxUserId === undefined ? {} : { maxUserId }),
    content: shown,
    correlationId,
  }
}

/** @returns the message that tells of it; undefined when there is nobody any more to tell */
async function created(
  { tasks, people, cards }: DeferredDeps,
  task: DeferredTask,
  signal: AbortSignal,
): Promise<Outgoing | undefined> {
  const { taskId, metadata, userId, correlationId, idempotencyKey, group } = task
  const errand = { userId, scope: 'own' as const, correlationId, signal }
  const result = await tasks.create(taskId, metadata, idempotencyKey, errand)
  if (!result.done) throw new Error(`The state service refused: ${result.why}`)
  const viewer = await people.toTell(userId, errand)
  if (viewer === undefined) return undefined
  const texts = textsIn(task.locale)
  const viewing = { viewer, group, texts, now: Date.now() }
  const { version } = result.state
  return {
    ...message(task, await cards.render(result.state, viewing, errand, texts.card.created)),
    card: { taskId, version, maxUserId: group ? null : viewer.maxUserId },
  }
}
