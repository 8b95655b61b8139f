import { Type } from '@sinclair/typebox'
import { HistoryEntry, pageOf, State, Transitions } from '@potok/contracts/state'
import type { PresenceStatus, TaskMetadata, TaskStatus } from '@potok/contracts/task'
import type { UpstreamRequest, UpstreamResponse } from '@potok/core/http-client'
import { createParser } from '@potok/core/validation'
import { TasksUnavailable } from './errors.ts'
import {
  codeOf,
  createServiceCall,
  type Contact,
  type ServiceCall,
  type ServiceCallOptions,
} from './service-call.ts'

export type TasksOptions = Pick<ServiceCallOptions, 'request' | 'deadlineMs'>

/** On whose behalf, and within which update. */
export interface Errand extends Contact {
  userId: string
  /** Members may change what is theirs. */
  scope: 'own' | 'all'
}

/** What the state service said to a change. */
export type ChangeResult =
  | { done: true; state: State }
  | { done: false; why: 'not-owner' | 'transition' | 'changed' | 'missing' }

export interface TaskFilter {
  status?: readonly string[]
  assignee?: string
  createdBy?: string
}

export interface TaskChange {
  status?: TaskStatus
  metadata?: Partial<TaskMetadata>
  reason?: string
}

/** How many have a value; null: those without one. */
export interface Count {
  value: string | null
  count: number
}

export type Tasks = ReturnType<typeof createTasks>

const parseState = createParser(State)
const parsePage = createParser(pageOf(State))
const parseTransitions = createParser(Transitions)
const parseHistory = createParser(pageOf(HistoryEntry))
const parseCounts = createParser(
  Type.Object({
    items: Type.Array(
      Type.Object({ value: Type.Union([Type.String(), Type.Null()]), count: Type.Integer() }),
    ),
  }),
)

const TASKS = '/api/v1/states/task'
const USERS = '/api/v1/states/user'
const pathIn = (list: string, id: string): string => `${list}/${encodeURIComponent(id)}`
/** A card must show what was just changed, by whichever replica. */
const FRESH = { 'cache-control': 'no-cache' }

/** The state service as the bot uses it. Every method throws `TasksUnavailable` when it cannot be used. */
export function createTasks({ request, deadlineMs }: TasksOptions) {
  const service = createServiceCall({
    request,
    deadlineMs,
    name: 'state',
    unavailable: (cause) => new TasksUnavailable({ cause }),
  })
  const reads = createReads(service)
  return { ...reads, ...createChanges(service, reads), ...createPresences(service) }
}

function actorOf({ userId, scope }: Errand): Record<string, string> {
  const actor = { 'x-actor': `user:${userId}` }
  return scope === 'own' ? { ...actor, 'x-actor-scope': 'own' } : actor
}

function createReads({ find }: ServiceCall) {
  const list = async (query: UpstreamRequest['query'], contact: Contact) =>
    (await find({ path: TASKS, ...(query && { query }) }, parsePage, contact))?.items ?? []

  return {
    get: (id: string, contact: Contact): Promise<State | undefined> =>
      find({ path: pathIn(TASKS, id), headers: FRESH }, parseState, contact),

    /** As it was at a version. */
    at: (id: string, version: number, contact: Contact): Promise<State | undefined> =>
      find({ path: pathIn(TASKS, id), query: { version } }, parseState, contact),

    transitions: (id: string, contact: Contact): Promise<Transitions | undefined> =>
      find({ path: `${pathIn(TASKS, id)}/transitions` }, parseTransitions, contact),

    history: async (id: string, query: { limit: number; order?: 'asc' }, contact: Contact) => {
      const path = `${pathIn(TASKS, id)}/history`
      return (await find({ path, query }, parseHistory, contact))?.items ?? []
    },

    /** Newest change first. */
    list: (filter: TaskFilter, limit: number, contact: Contact): Promise<State[]> =>
      list({ ...queryOf(filter), sort: '-updatedAt', limit }, contact),

    /** How many, by status or by assignee. */
    async counts(
      filter: TaskFilter,
      groupBy: 'status' | 'metadata.assignee',
      contact: Contact,
    ): Promise<Count[]> {
      const query = { ...queryOf(filter), groupBy }
      return (await find({ path: TASKS, query }, parseCounts, contact))?.items ?? []
    },
  }
}

function createChanges(service: ServiceCall, { get }: Pick<ReturnType<typeof createReads>, 'get'>) {
  const { call } = service
  return {
    /** Creates; when it was created before under this id, gives what was created. */
    async create(
      id: string,
      metadata: TaskMetadata,
      idempotencyKey: string,
      errand: Errand,
    ): Promise<ChangeResult> {
      const answer = await call(
        {
          method: 'POST',
          path: TASKS,
          json: { entityId: id, status: 'created', metadata },
          headers: { ...actorOf(errand), 'if-none-match': '*' },
          idempotencyKey,
        },
        errand,
      )
      if (answer.status !== 412) return resultOf(service, answer)
      // The key is forgotten after a day, the id is not.
      const state = await get(id, errand)
      return state === undefined ? { done: false, why: 'missing' } : { done: true, state }
    },

    /** @param ifVersion only when the task still has it */
    async change(
      id: string,
      change: TaskChange,
      idempotencyKey: string,
      errand: Errand,
      ifVersion?: number,
    ): Promise<ChangeResult> {
      const condition = ifVersion === undefined ? {} : { 'if-match': `"${ifVersion}"` }
      const answer = await call(
        {
          method: 'PATCH',
          path: pathIn(TASKS, id),
          json: change,
          headers: { ...actorOf(errand), ...condition },
          idempotencyKey,
        },
        errand,
      )
      return resultOf(service, answer)
    },
  }
}

function createPresences({ call, read, find }: ServiceCall) {
  return {
    presence: (userId: string, contact: Contact): Promise<State | undefined> =>
      find({ path: pathIn(USERS, userId) }, parseState, contact),

    /** Presences of everybody who has one. */
    async presences(limit: number, contact: Contact): Promise<State[]> {
      return (await find({ path: USERS, query: { limit } }, parsePage, contact))?.items ?? []
    },

    async setPresence(
      { status, ttlSeconds }: { status: PresenceStatus; ttlSeconds: number },
      idempotencyKey: string,
      errand: Errand,
    ): Promise<void> {
      const expires = status === 'offline' ? {} : { ttlSeconds }
      const answer = await call(
        {
          method: 'POST',
          path: USERS,
          json: { entityId: errand.userId, status, ...expires },
          // One's own presence is one's own, whoever created the state.
          headers: actorOf({ ...errand, scope: 'all' }),
          idempotencyKey,
        },
        errand,
      )
      read(answer, parseState)
    },
  }
}

function resultOf({ read, refused }: ServiceCall, answer: UpstreamResponse): ChangeResult {
  if (answer.status < 300) return { done: true, state: read(answer, parseState) }
  if (answer.status === 403) return { done: false, why: 'not-owner' }
  if (answer.status === 404) return { done: false, why: 'missing' }
  if (answer.status === 412) return { done: false, why: 'changed' }
  const code = codeOf(answer)
  if (code === 'STATES_INVALID_TRANSITION') return { done: false, why: 'transition' }
  // The same key with another body: this update was worked before, when the task looked different.
  if (code.startsWith('IDEMPOTENCY')) return { done: false, why: 'changed' }
  throw refused(answer)
}

function queryOf({ status, assignee, createdBy }: TaskFilter) {
  return {
    ...(status === undefined ? {} : { status: status.join(',') }),
    ...(assignee === undefined ? {} : { 'metadata.assignee': assignee }),
    ...(createdBy === undefined ? {} : { createdBy }),
  }
}
