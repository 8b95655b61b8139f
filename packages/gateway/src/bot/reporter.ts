import type { EntityEvent } from '@potok/contracts/event'
import type { State } from '@potok/contracts/state'
import type { CardEdits } from './card-edits.ts'
import type { Cards } from './cards.ts'
import { content, escaped } from './content.ts'
import type { BotMetrics } from './metrics.ts'
import type { Findings, Look, Tell, Telling } from './notices.ts'
import type { NewMessage } from './outbox.ts'
import type { People, Person } from './people.ts'
import { quietFor } from './quiet-hours.ts'
import type { Contact } from './service-call.ts'
import { isTaskStatus, titleOf } from './task-view.ts'
import type { Tasks } from './tasks.ts'
import { textsIn, type Texts } from './texts/index.ts'
import { noticesOf, type Before, type Notice } from './told.ts'

export interface ReporterDeps {
  tasks: Tasks
  people: Pick<People, 'toTell'>
  cards: Cards
  cardEdits: CardEdits
  metrics: BotMetrics
  now: () => number
}

/** Finds out what happened to tasks, and puts it into words for each person and chat. */
export function createReporter(deps: ReporterDeps) {
  const { tasks, cardEdits } = deps
  return {
    async find(
      events: readonly EntityEvent[],
      { taskId, correlationId }: Look,
      signal: AbortSignal,
    ): Promise<Findings> {
      const contact = { correlationId, signal, background: true }
      const eventIds = events.map(({ id }) => id)
      const [first] = events
      const last = events.at(-1)
      if (first === undefined || last === undefined) return { eventIds, notices: [], edits: [] }
      const [state, before] = await Promise.all([
        tasks.get(taskId, contact),
        beforeOf(tasks, first, contact),
      ])
      const version = state?.version ?? last.data.version
      const [author, edits] = await Promise.all([
        state?.createdBy ?? authorOf(tasks, taskId, contact),
        cardEdits.of({ taskId, state, version }, contact),
      ])
      const title = titleOf(state?.metadata ?? last.data.metadata, taskId)
      return { eventIds, edits, notices: noticesOf({ events, before, author, title }) }
    },

    tell: (job: Tell, signal: AbortSignal): Promise<Telling> => tell(deps, job, signal),
  }
}

/** Of a task that is gone: who wrote its first version. */
async function authorOf(
  tasks: Tasks,
  taskId: string,
  contact: Contact,
): Promise<string | undefined> {
  const [first] = await tasks.history(taskId, { limit: 1, order: 'asc' }, contact)
  return first?.actor
}

async function beforeOf(tasks: Tasks, first: EntityEvent, contact: Contact): Promise<Before> {
  const { version, id, previousStatus } = first.data
  const isNew = previousStatus === null || version <= 1
  const state = isNew ? undefined : await tasks.at(id, version - 1, contact)
  const assignee = state?.metadata['assignee']
  return {
    status: previousStatus,
    assignee: typeof assignee === 'string' ? assignee : undefined,
  }
}

async function tell(deps: ReporterDeps, job: Tell, signal: AbortSignal): Promise<Telling> {
  const { people, metrics, now } = deps
  const { correlationId, notice } = job
  const contact = { correlationId, signal, background: true }
  const person = await people.toTell(notice.userId, contact)
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
  const message = await messageFor(deps, job, person, contact)
  metrics.notice(message === undefined ? 'outdated' : 'sent')
  return message === undefined ? { nothing: true } : { message }
}

/** @returns undefined when it is not so any more: the task was given to somebody else in the meantime */
async function messageFor(
  { tasks, cards, now }: ReporterDeps,
  { taskId, notice }: Tell,
  person: Person,
  contact: Contact,
): Promise<NewMessage | undefined> {
  const { chatId, maxUserId } = person
  const state = await tasks.get(taskId, contact)
  if (notice.kind === 'assigned' && state?.metadata['assignee'] !== person.userId) return undefined
  const texts = textsIn(person.locale)
  const viewing = { viewer: person, group: false, texts, now: now() }
  const who = await cards.actorName(notice.actor, viewing, contact)
  const send = {
    kind: 'send' as const,
    ...(chatId === undefined ? {} : { chatId }),
    maxUserId,
    correlationId: contact.correlationId,
  }
  const dedupeKey = `notice:${notice.eventId}:${person.userId}`
  if (state === undefined) {
    const shown = content([texts.notices.deleted(escaped(notice.title), who)])
    return { dedupeKey, message: { ...send, content: shown } }
  }
  const header = headerOf(notice, state, who, texts)
  const shown = await cards.render(state, viewing, contact, header)
  const card = { taskId, version: state.version, maxUserId }
  return { dedupeKey, message: { ...send, content: shown, card } }
}

function headerOf(
  { kind }: Notice,
  { status }: State,
  who: string,
  { notices, statuses }: Texts,
): string {
  switch (kind) {
    case 'assigned':
      return notices.assigned(who)
    case 'failed':
      return notices.failed(who)
    case 'changed':
      return notices.changed(isTaskStatus(status) ? statuses[status] : escaped(status), who)
    // Deleted, and made anew since: what is there now is told.
    case 'deleted':
    case 'edited':
      return notices.edited(who)
  }
}
