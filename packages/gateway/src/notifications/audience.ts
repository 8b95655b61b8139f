import type { Role } from '@potok/contracts/user'
import type { Recipient } from './schemas.ts'

export interface Reader {
  id: string
  roles: readonly Role[]
}

/** For whom something is, as it is stored. */
export function audienceOf({ user, role }: Recipient): string {
  if (user !== undefined) return `user:${user}`
  return role === undefined ? 'all' : `role:${role}`
}

/** What is for a person. */
export function audiencesOf({ id, roles }: Reader): string[] {
  return ['all', `user:${id}`, ...roles.map((role) => `role:${role}`)]
}
