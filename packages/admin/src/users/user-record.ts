import type { Selectable } from 'kysely'
import { Type } from '@sinclair/typebox'
import { Role, User, type UserChange } from '@potok/contracts/user'
import { createParser } from '@potok/core/validation'
import type { UserRow } from './tables.ts'

const parseRoles = createParser(Type.Array(Role))
const parseSkills = createParser(User.properties.skills)

const isoTime = (epochMs: number): string => new Date(epochMs).toISOString()

/** A stored person as the world sees them. */
export function toUser(row: Selectable<UserRow>): User {
  return {
    id: row.id,
    username: row.username,
    displayName: row.display_name,
    roles: parseRoles(JSON.parse(row.roles)),
    skills: parseSkills(JSON.parse(row.skills)),
    capacity: row.capacity,
    ...(row.max_user_id === null ? {} : { maxUserId: row.max_user_id }),
    timeZone: row.time_zone,
    active: row.active === 1,
    version: row.version,
    createdAt: isoTime(row.created_at),
    updatedAt: isoTime(row.updated_at),
  }
}

/** What a person is searched by. */
export const searchTextOf = (user: Pick<User, 'username' | 'displayName'>): string =>
  `${user.username} ${user.displayName}`.toLowerCase()

/** The rows that the filters by role and skill look at. */
export function labelsOf(user: Pick<User, 'id' | 'roles' | 'skills'>) {
  // Two spellings of one skill are one label.
  const skills = [...new Set(user.skills.map((skill) => skill.toLowerCase()))]
  return [
    ...user.roles.map((label) => ({ user_id: user.id, kind: 'role' as const, label })),
    ...skills.map((label) => ({ user_id: user.id, kind: 'skill' as const, label })),
  ]
}

/** The person after a change, before it has a new version. */
export function changed(user: User, change: UserChange): User {
  const { password: _password, maxUserId = user.maxUserId, ...rest } = change
  const { maxUserId: _before, ...kept } = user
  return { ...kept, ...rest, ...(maxUserId == null ? {} : { maxUserId }) }
}
