import type { FastifyBaseLogger } from 'fastify'

export type Outage = ReturnType<typeof createOutage>

/** Says once that Redis went away, and once that it is back, however often either is noticed. */
export function createOutage(log: FastifyBaseLogger, now: () => number) {
  let since: number | undefined

  return {
    begin(error: unknown): void {
      if (since !== undefined) return
      since = now()
      log.warn({ err: error }, 'redis is away: going on without it')
    },
    end(): void {
      if (since === undefined) return
      log.info({ downMs: now() - since }, 'redis is back')
      since = undefined
    },
  }
}
