import { Type } from '@sinclair/typebox'

/** The id of an entity: letters, digits, `.`, `_`, `:` and `-`, at most 128 characters. */
export const EntityId = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$',
  description: 'Id of the entity, chosen by the caller',
  examples: ['task_123'],
})

/** The type of an entity, lower case. `batch`, `query` and `list` are reserved because they are routes. */
export const EntityType = Type.String({
  pattern: '^(?!(?:batch|query|list)$)[a-z][a-z0-9-]{0,62}$',
  description: 'Type of the entity: task, user, process or one of your own',
  examples: ['task'],
})

/** ISO 8601, UTC, with milliseconds. */
export const Timestamp = Type.String({
  format: 'date-time',
  description: 'ISO 8601 in UTC with milliseconds',
  examples: ['2025-11-10T10:00:00.000Z'],
})

/** A name of a status as machines declare them. */
export const Status = Type.String({
  pattern: '^[a-z][a-z0-9_]{0,62}$',
  examples: ['in_progress'],
})

/** Position in the event log, `<store epoch>.<position>`. Opaque to clients. */
export const Cursor = Type.String({
  pattern: '^[A-Za-z0-9]{1,32}\\.[0-9]{1,19}$',
  description: 'Position in the event log; opaque',
  examples: ['k3f9x2.42'],
})

/** Who did it: `user:<id>`, `service:<name>` or `system:<part>`. */
export const Actor = Type.String({
  pattern: '^(user|service|system):[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$',
  examples: ['user:user_789', 'service:gateway'],
})

/** What `x-correlation-id` may look like; anything else is replaced by a generated one. */
export const CORRELATION_ID = /^[A-Za-z0-9._-]{1,128}$/
