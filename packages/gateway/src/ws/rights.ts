import { decide } from '../access/index.ts'
import type { SocketPrincipal } from './server.ts'

const LISTS = new Map([
  ['tasks', '/api/v1/states/task'],
  ['users', '/api/v1/states/user'],
  ['processes', '/api/v1/states/process'],
])
const TASK = 'task:'

/** What REST would have to let a person read. */
function readingOf(channel: string): string | undefined {
  if (!channel.startsWith(TASK)) return LISTS.get(channel)
  return `/api/v1/states/task/${channel.slice(TASK.length)}`
}

/** Sockets show what REST shows: the same roles table decides. Rooms are for whoever is logged in. */
export function mayFollow(principal: SocketPrincipal, channel: string): boolean {
  if (channel.startsWith('room:')) return true
  const path = readingOf(channel)
  if (path === undefined) return false
  const decision = decide(principal, { method: 'GET', path })
  // A right to one's own only would have to be checked change by change.
  return decision.allow && !decision.scopeOwn && decision.body === undefined
}
