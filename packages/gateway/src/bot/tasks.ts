import { Type } from '@sinclair/typebox'
import { HistoryEntry, pageOf, State, Transitions } from '@potok/contracts/state'
import type { PresenceStatus, TaskMetadata, TaskStatus } from '@potok/contracts/task'
import type { UpstreamRequest, UpstreamResponse } from '@potok/core/http-client'
import { createParser } from '@potok/core/validation'
import { TasksUnavailable } from './errors.ts'

export interface TasksOptions {
  request: (wanted: UpstreamRequest) => Promise<UpstreamResponse>
  deadlineMs: number
}

/** On whose behalf, and within which update. */
export interface Errand {
  userId: string
  /** Members may change what is theirs. */
  scope: 'own' | 'all'
  correlationId: string
  signal?: AbortSignal
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

export type Tasks = ReturnType<typeof createTasks>

const parseState = createParser(State)
const parsePage = createParser(pageOf(State))
const parseTransitions = createParser(Transitions)
const parseHistory = createParser(pageOf(HistoryEntry))
const parseProblem = createParser(Type.Object({ code: Type.String() }))
/** Groups of a count; a group without the field has a null. */
const parseGroups = createParser(
  Type.Object({
    items: Type.Array(
      Type.Object({ value: Type.Union([Type.String(), Type.Null()]), count: Type.Integer() }),
    ),
  }),
)

const taskPath = (id: string): string => `/api/v1/states/task/${encodeURIComponent(id)}`

/** The state service as the bot uses it. Every method throws `TasksUnavailable` when it cannot be used. */
export function createTasks({ request, deadlineMs }: TasksOptions) {
  async function call(wanted: UpstreamRequest, errand: Errand): Promise<UpstreamResponse> {
    const { userId, scope, correlationId, signal } = errand
    try {
      const answer = await request({
        deadlineMs,
        ...wanted,
        headers: {
          'x-correlation-id': correlationId,
          'x-actor': `user:${userId}`,
          ...(scope === 'own' && wanted.method !== 'GET' ? { 'x-actor-scope': 'own' } : {}),
          ...wanted.headers,
        },
        ...(signal === undefined ? {} : { signal }),
      })
      const { status } = answer
      if (status >= 500 || status === 429 || status === 401) {
        throw new TasksUnavailable({ cause: refusalOf(answer) })
      }
      return answer
    } catch (error) {
      throw error instanceof TasksUnavailable ? error : new TasksUnavailable({ cause: error })
    }
  }

  /** Reads an answer that must be a success. */
  function read<T>(answer: UpstreamResponse, parse: (value: unknown) => T): T {
    if (answer.status >= 300) throw refusalOf(answer)
    try {
      return parse(answer.body.json())
    } catch (error) {
      throw new TasksUnavailable({ cause: error })
    }
  }

  async function find<T>(
    path: string,
    parse: (value: unknown) => T,
    errand: Errand,
    query?: UpstreamRequest['query'],
  ): Promise<T | undefined> {
    const answer = await call({ method: 'GET', path, ...(query && { query }) }, errand)
    return answer.status === 404 ? undefined : read(answer, parse)
  }

  const fresh = { 'cache-control': 'no-cache' }

  async function get(id: string, errand: Errand): Promise<State | undefined> {
    const answer = await call({ method: 'GET', path: taskPath(id), headers: fresh }, errand)
    return answer.status === 404 ? undefined : read(answer, parseState)
  }

  return {
    get,

    /** As it was at a version. */
    at: (id: string, version: number, errand: Errand): Promise<State | undefined> =>
      find(taskPath(id), parseState, errand, { version }),

    transitions: (id: string, errand: Errand): Promise<Transitions | undefined> =>
      find(`${taskPath(id)}/transitions`, parseTransitions, errand),

    history: async (id: string, query: { limit: number; order?: 'asc' }, errand: Errand) =>
      (await find(`${taskPath(id)}/history`, parseHistory, errand, query))?.items ?? [],

    /** Newest change first. */
    async list(filter: TaskFilter, limit: number, errand: Errand): Promise<State[]> {
      const query = { ...queryOf(filter), sort: '-updatedAt', limit }
      return (await find('/api/v1/states/task', parsePage, errand, query))?.items ?? []
    },

    /** How many, by status or by assignee. */
    async counts(filter: TaskFilter, groupBy: 'status' | 'metadata.assignee', errand: Errand) {
      const query = { ...queryOf(filter), groupBy }
      return (await find('/api/v1/states/task', parseGroups, errand, query))?.items ?? []
    },

    /** Creates; when it was created before under this key, gives what was created. */
    async create(
      id: string,
      metadata: TaskMetadata,
      key: string,
      errand: Errand,
    ): Promise<ChangeResult> {
      const answer = await call(
        {
          method: 'POST',
          path: '/api/v1/states/task',
          json: { entityId: id, status: 'created', metadata },
          headers: { 'if-none-match': '*' },
          idempotencyKey: key,
        },
        errand,
      )
      if (answer.status !== 412) return resultOf(answer)
      // The key is forgotten after a day, the id is not.
      const state = await get(id, errand)
      return state === undefined ? { done: false, why: 'missing' } : { done: true, state }
    },

    /** @param ifVersion only when the task still has it */
    async change(
      id: string,
      change: TaskChange,
      key: string,
      errand: Errand,
      ifVersion?: number,
    ): Promise<ChangeResult> {
      const answer = await call(
        {
          method: 'PATCH',
          path: taskPath(id),
          json: change,
          idempotencyKey: key,
          ...(ifVersion === undefined ? {} : { headers: { 'if-match': `"${ifVersion}"` } }),
        },
        errand,
      )
      return resultOf(answer)
    },

    presence: async (userId: string, errand: Errand): Promise<State | undefined> =>
      find(`/api/v1/states/user/${encodeURIComponent(userId)}`, parseState, errand),

    /** Presences of everybody who has one. */
    async presences(limit: number, errand: Errand): Promise<State[]> {
      return (await find('/api/v1/states/user', parsePage, errand, { limit }))?.items ?? []
    },

    async setPresence(
      change: { userId: string; status: PresenceStatus; ttlSeconds: number },
      key: string,
      errand: Errand,
    ): Promise<void> {
      const { userId, status, ttlSeconds } = change
      const expires = status === 'offline' ? {} : { ttlSeconds }
      const answer = await call(
        {
          method: 'POST',
          path: '/api/v1/states/user',
          json: { entityId: userId, status, ...expires },
          idempotencyKey: key,
        },
        errand,
      )
      read(answer, parseState)
    },
  }

  function resultOf(answer: UpstreamResponse): ChangeResult {
    if (answer.status < 300) return { done: true, state: read(answer, parseState) }
    if (answer.status === 403) return { done: false, why: 'not-owner' }
    if (answer.status === 404) return { done: false, why: 'missing' }
    if (answer.status === 412) return { done: false, why: 'changed' }
    const code = codeOf(answer)
    if (code === 'STATES_INVALID_TRANSITION') return { done: false, why: 'transition' }
    // The same key with another body: this update was worked before, when the task looked different.
    if (code.startsWith('IDEMPOTENCY')) return { done: false, why: 'changed' }
    throw refusalOf(answer)
  }
}

function queryOf({ status, assignee, createdBy }: TaskFilter) {
  return {
    ...(status === undefined ? {} : { status: status.join(',') }),
    ...(assignee === undefined ? {} : { 'metadata.assignee': assignee }),
    ...(createdBy === undefined ? {} : { createdBy }),
  }
}

function codeOf({ body }: UpstreamResponse): string {
  try {
    return parseProblem(body.json()).code
  } catch {
    return 'unknown'
  }
}

/** An answer that our request should never get: a defect of the bot, unless the status says that nobody is at home. */
function refusalOf(answer: UpstreamResponse): Error {
  return new Error(`The state service answered ${answer.status} ${codeOf(answer)}`)
}
