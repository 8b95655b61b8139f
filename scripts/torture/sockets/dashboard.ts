import { io, type Socket } from 'socket.io-client'
import type { ClientEvents, EntityChange, ServerEvents } from '@potok/contracts/socket-events'

const RETRY_MS = 200

/** What a dashboard was told, in order: a change, or to load anew and go on from there. */
export type Told = { change: string } | { reload: string }

/** A dashboard that follows all tasks over every cut, and remembers what it was told. */
export function openDashboard(url: string, token: string) {
  const socket: Socket<ServerEvents, ClientEvents> = io(url, {
    path: '/api/v1/socket.io',
    transports: ['websocket'],
    forceNew: true,
    reconnectionDelay: 100,
    reconnectionDelayMax: 500,
    auth: { token },
  })
  const told: Told[] = []
  let cursor: string | undefined
  let isFollowing = false

  function follow(): void {
    const payload = { channel: 'tasks', ...(cursor !== undefined && { since: cursor }) }
    socket.emit('subscribe', payload, (answer) => {
      if (!answer.ok) {
        setTimeout(follow, RETRY_MS)
        return
      }
      if (!answer.recovered) told.push({ reload: answer.cursor })
      cursor = answer.cursor
      isFollowing = true
    })
  }
  socket.on('connect', follow)
  socket.on('disconnect', () => (isFollowing = false))
  // Refused while everything restarts: the stock client does not come back from that by itself.
  socket.on('connect_error', () => {
    if (!socket.active) setTimeout(() => socket.connect(), RETRY_MS)
  })
  for (const event of ['task:created', 'task:updated', 'task:deleted'] as const) {
    socket.on(event, (change: EntityChange) => {
      cursor = change.cursor
      told.push({ change: change.cursor })
    })
  }
  return {
    told,
    changes: () => told.filter((one) => 'change' in one).length,
    reloads: () => told.filter((one) => 'reload' in one).length,
    /** The cursor of the last change or reload. */
    cursor: () => cursor,
    isFollowing: () => isFollowing,
    close: () => void socket.close(),
  }
}

export type Dashboard = ReturnType<typeof openDashboard>
