import { decide } from '../access/index.ts'
import type { SocketPrincipal } from './server.ts'

const LISTS: Partial<Record<string, string>> = {
  tasks: '/api/v1/states/task',
  users: '/api/v1/states/user',
  processes: '/api/v1/states/process',
}

/** Sockets show what REST shows: the same roles table decides. Rooms are for whoever is logged in. */
export function mayFollow(principal: SocketPrincipal, channel: string): boolean {
  if (channel.startsWith('room:')) return true
  const path = LISTS[channel] ?? channel.replace(/^task:/u, '/api/v1/states/task/')
  const decision = decide(principal, { method: 'GET', path })
  // A right to one's own only would have to be checked change by change.
  return decision.allow && !decision.scopeOwn && decision.body === undefined
}
