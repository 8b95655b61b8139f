import type { FastifyInstance } from 'fastify'
import type { passedAnswer } from '@potok/core/http-client'

type Body = ReturnType<typeof passedAnswer>['body']
type EventStream = Exclude<Body, Buffer | undefined>
type Reader = Readonly<{ sid: string; expiresAt: number }>

/** The most that a timer of Node can wait, milliseconds. */
const TIMER_LIMIT_MS = 2 ** 31 - 1

export type SessionStreams = ReturnType<typeof createSessionStreams>

/**
 * Event streams end with the session of whoever reads them, and with the token that let them in: a guard that was passed
 * once says nothing about what is told hours later. The reader comes back with another token, and misses nothing.
 */
export function createSessionStreams(auth: Pick<FastifyInstance['auth'], 'isEnded' | 'onRevoked'>) {
  const open = new Map<string, Set<EventStream>>()
  auth.onRevoked(({ sid }) => {
    for (const stream of open.get(sid) ?? []) stream.finish()
  })

  return {
    /** @param body of the answer; one that is no stream has ended already */
    follow({ sid, expiresAt }: Reader, body: Body): void {
      if (body === undefined || Buffer.isBuffer(body)) return
      const streams = open.get(sid) ?? new Set<EventStream>()
      open.set(sid, streams.add(body))
      const leftMs = Math.min(Math.max(0, expiresAt - Date.now()), TIMER_LIMIT_MS)
      const timer = setTimeout(() => body.finish(), leftMs)
      body.once('close', () => {
        clearTimeout(timer)
        streams.delete(body)
        if (streams.size === 0 && open.get(sid) === streams) open.delete(sid)
      })
      // It may have ended while the service was asked.
      if (auth.isEnded(sid)) body.finish()
    },
  }
}
