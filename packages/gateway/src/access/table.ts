import type { Role } from '@potok/contracts/user'

/**
 * What a role may do where a rule matches.
 * - `yes`
 * - `own`: the service behind checks that it is theirs (`x-actor-scope: own`)
 * - `own_presence`, `task_batch`: yes, when the body is about nothing else
 */
export type Right = 'yes' | 'own' | 'own_presence' | 'task_batch'

export interface Rule {
  methods: readonly Method[]
  /**
   * Segments: a literal, `{a,b}` one of these, `:name` anything, `:self` the caller's id, `**` (last) whatever follows.
   */
  path: string
  /** A role that is not named may not. */
  rights: Partial<Record<Role, Right>>
}

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
type Method = (typeof METHODS)[number]

const read: readonly Method[] = ['GET', 'HEAD']
const change: readonly Method[] = ['PUT', 'PATCH']
const everybody = { member: 'yes', manager: 'yes', admin: 'yes' } as const
const dispatchers = { manager: 'yes', admin: 'yes' } as const
const administrators = { admin: 'yes' } as const
const ownOrDispatchers = { member: 'own', manager: 'yes', admin: 'yes' } as const

/**
 * Who may do what. The first rule that matches decides; what no rule matches nobody may. GET stands for HEAD too.
 */
export const RULES: readonly Rule[] = [
  { methods: ['POST'], path: '/api/v1/states/query', rights: dispatchers },
  {
    methods: ['POST'],
    path: '/api/v1/states/batch',
    // A batch holds any writes, so it must not lead around the rules for other states.
    rights: { manager: 'task_batch', admin: 'yes' },
  },

  { methods: read, path: '/api/v1/states/{task,user,process}', rights: everybody },
  { methods: read, path: '/api/v1/states/{task,user,process}/:id', rights: everybody },
  {
    methods: read,
    path: '/api/v1/states/{task,user,process}/:id/{history,transitions}',
    rights: everybody,
  },
  { methods: read, path: '/api/v1/states/:entity', rights: dispatchers },
  { methods: read, path: '/api/v1/states/:entity/:id', rights: dispatchers },
  {
    methods: read,
    path: '/api/v1/states/:entity/:id/{history,transitions}',
    rights: dispatchers,
  },

  // POST creates or changes, by the body's id: what is not the member's own is refused behind.
  { methods: ['POST'], path: '/api/v1/states/task', rights: ownOrDispatchers },
  { methods: change, path: '/api/v1/states/task/:id', rights: ownOrDispatchers },
  { methods: ['POST'], path: '/api/v1/states/task/:id/heartbeat', rights: ownOrDispatchers },
  { methods: ['DELETE'], path: '/api/v1/states/task/:id', rights: dispatchers },

  {
    methods: ['POST'],
    path: '/api/v1/states/user',
    rights: { member: 'own_presence', manager: 'own_presence', admin: 'yes' },
  },
  { methods: change, path: '/api/v1/states/user/:self', rights: everybody },
  { methods: ['POST'], path: '/api/v1/states/user/:self/heartbeat', rights: everybody },

  { methods: ['POST'], path: '/api/v1/states/:entity', rights: administrators },
  { methods: [...change, 'DELETE'], path: '/api/v1/states/:entity/:id', rights: administrators },
  { methods: ['POST'], path: '/api/v1/states/:entity/:id/heartbeat', rights: administrators },

  { methods: read, path: '/api/v1/machines', rights: everybody },
  { methods: read, path: '/api/v1/machines/:entity', rights: everybody },
  { methods: ['PUT'], path: '/api/v1/machines/:entity', rights: administrators },

  { methods: read, path: '/api/v1/events', rights: dispatchers },
  { methods: read, path: '/api/v1/events/stream', rights: dispatchers },
  { methods: ['POST'], path: '/api/v1/events', rights: dispatchers },

  { methods: METHODS, path: '/api/v1/webhooks/**', rights: administrators },

  // Login has a back-off and says nothing about names; this would be a way around it.
  { methods: METHODS, path: '/api/v1/admin/users/verify', rights: {} },
  { methods: METHODS, path: '/api/v1/admin/**', rights: administrators },

  {
    methods: METHODS,
    path: '/api/v1/{tasks,distribution,analytics}/**',
    rights: ownOrDispatchers,
  },

  { methods: read, path: '/api/v1/gateway/circuits', rights: administrators },
  {
    methods: ['POST'],
    path: '/api/v1/gateway/circuits/:service/{open,close,reset}',
    rights: administrators,
  },
  { methods: ['POST'], path: '/api/v1/notifications', rights: dispatchers },
]
