import type { EntityEvent } from '@potok/contracts/event'
import type { State } from '@potok/contracts/state'
import type { CardMessage, CardMessages } from './card-messages.ts'
import type { Cards } from './cards.ts'
import { button, content, escaped } from './content.ts'
import type { BotMetrics } from './metrics.ts'
import type { Findings, Look, Tell, Telling } from './notices.ts'
import type { NewMessage } from './outbox.ts'
import type { Content } from './outgoing.ts'
import type { People, Person } from './people.ts'
import { quietFor } from './quiet-hours.ts'
import { isTaskStatus, titleOf } from './task-view.ts'
import type { Errand, Tasks } from './tasks.ts'
import { textsIn, type Texts } from './texts/index.ts'
import { noticesOf, type Notice } from './told.ts'

export interface ReporterDeps {
  tasks: Tasks
  people: Pick<People, 'toTell' | 'known'>
  cards: Cards
  cardMessages: CardMessages
  metrics: BotMetrics
  /** Where the clocks of groups go. */
  groupTimeZone: string
  now: () => number
}

/** The bot asks on nobody's behalf. */
const NOBODY = { userId: 'bot', scope: 'all' as const }

/** Finds out what happened to tasks, and puts it into words for each person and chat. */
export function createReporter(deps: ReporterDeps) {
  const { tasks, people, cards, cardMessages, metrics, groupTimeZone, now } = deps

  async function authorOf(
    state: State | undefined,
    taskId: string,
    errand: Errand,
  ): Promise<string | undefined> {
    if (state !== undefined) return state.createdBy
    const [first] = await tasks.history(taskId, { limit: 1, order: 'asc' }, errand)
    return first?.actor
  }

  async function beforeOf(first: EntityEvent, errand: Errand) {
    const { version, id, previousStatus } = first.data
    const state =
      previousStatus === null || version <= 1 ? undefined : await tasks.at(id, version - 1, errand)
    const assignee = state?.metadata['assignee']
    return {
      status: previousStatus,
      assignee: typeof assignee === 'string' ? assignee : undefined,
    }
  }

  /** Edits of the messages that show the task as it was. */
  async function editsOf(
    taskId: string,
    state: State | undefined,
    last: EntityEvent,
    errand: Errand,
  ): Promise<NewMessage[]> {
    const shown = await cardMessages.of(taskId)
    const version = state?.version ?? last.data.version
    const outdated = shown.filter((card) => card.version < version)
    return Promise.all(
      outdated.map(async (card) => ({
        dedupeKey: `card:${card.mid}:${version}`,
        message: {
          kind: 'edit' as const,
          chatId: card.chatId,
          mid: card.mid,
          content: await drawn(card, state, errand),
          card: { taskId, version, maxUserId: card.maxUserId },
          otherwise: 'drop' as const,
          onlyCardOf: taskId,
          correlationId: errand.correlationId,
        },
      })),
    )
  }

  async function drawn(card: CardMessage, state: State | undefined, errand: Errand) {
    const person = card.maxUserId === null ? undefined : await people.known(card.maxUserId)
    const texts = textsIn(person?.locale ?? 'ru')
    if (state === undefined) {
      return content([texts.card.gone], [[button(texts.buttons.menu, 'menu')]])
    }
    const viewer = person ?? { userId: '', roles: [], timeZone: groupTimeZone }
    const group = card.maxUserId === null
    return cards.render(state, { viewer, group, texts, now: now() }, errand)
  }

  async function messageFor(tell: Tell, person: Person, errand: Errand): Promise<NewMessage> {
    const { taskId, notice, correlationId } = tell
    const state = await tasks.get(taskId, errand)
    const texts = textsIn(person.locale)
    const viewing = { viewer: person, group: false, texts, now: now() }
    const who = await cards.actorName(notice.actor, viewing, errand)
    const header = headerOf(notice, state, who, texts)
    const shown: Content =
      state === undefined
        ? content([texts.notices.deleted(escaped(notice.title), who)])
        : await cards.render(state, viewing, errand, header)
    return {
      dedupeKey: `notice:${notice.eventId}:${person.userId}`,
      message: {
        kind: 'send',
        ...(person.chatId === undefined ? {} : { chatId: person.chatId }),
        maxUserId: person.maxUserId,
        content: shown,
        ...(state === undefined
          ? {}
          : { card: { taskId, version: state.version, maxUserId: person.maxUserId } }),
        correlationId,
      },
    }
  }

  return {
    async find(
      events: readonly EntityEvent[],
      { taskId, correlationId }: Look,
      signal: AbortSignal,
    ): Promise<Findings> {
      const [first] = events
      const last = events.at(-1)
      const eventIds = events.map(({ id }) => id)
      if (first === undefined || last === undefined) return { eventIds, notices: [], edits: [] }
      const errand = { ...NOBODY, correlationId, signal }
      const [state, before] = await Promise.all([
        tasks.get(taskId, errand),
        beforeOf(first, errand),
      ])
      const [author, edits] = await Promise.all([
        authorOf(state, taskId, errand),
        editsOf(taskId, state, last, errand),
      ])
      const title = titleOf(state?.metadata ?? last.data.metadata, taskId)
      return { eventIds, edits, notices: noticesOf({ events, before, author, title }) }
    },

    async tell(job: Tell, signal: AbortSignal): Promise<Telling> {
      const { correlationId, notice } = job
      const errand = { ...NOBODY, correlationId, signal }
      const person = await people.toTell(notice.userId, errand)
      if (person === undefined || !person.reachable || !person.active) {
        metrics.notice('unreachable')
        return { nothing: true }
      }
      const { settings, timeZone } = person
      if (settings.notifications === false) {
        metrics.notice('off')
        return { nothing: true }
      }
      const afterMs = quietFor(settings.quietHours, now(), timeZone)
      if (afterMs > 0) {
        metrics.notice('quiet')
        return { afterMs }
      }
      metrics.notice('sent')
      return { message: await messageFor(job, person, errand) }
    },
  }
}

function headerOf(
  { kind }: Notice,
  state: State | undefined,
  who: string,
  { notices, statuses }: Texts,
): string {
  const status = state?.status ?? ''
  switch (kind) {
    case 'assigned':
      return notices.assigned(who)
    case 'failed':
      return notices.failed(who)
    case 'changed':
      return notices.changed(isTaskStatus(status) ? statuses[status] : status, who)
    case 'edited':
    case 'deleted':
      return notices.edited(who)
  }
}
