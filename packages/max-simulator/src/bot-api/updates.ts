/** Long polling. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { BadPayload, MethodNotAllowed } from '../platform/errors.ts'
import type { Page, PollQuery } from '../platform/event-log.ts'
import type { Platform, PlatformOption } from '../platform/platform.ts'
import type { WireUpdate } from '../platform/wire.ts'
import { numberOf, UpdatesQuery } from './schemas.ts'

const MAX_LIMIT = 1000
const DEFAULT_LIMIT = 100
const MAX_TIMEOUT_S = 90
const DEFAULT_TIMEOUT_S = 30

export const updateRoutes: FastifyPluginAsyncTypebox<PlatformOption> = async (
  app,
  { platform },
) => {
  app.get('/updates', { schema: { querystring: UpdatesQuery } }, async ({ query }, reply) => {
    platform.limits.poll()
    const left = new AbortController()
    reply.raw.once('close', () => left.abort())
    const limit = within(numberOf(query.limit) ?? DEFAULT_LIMIT, 1, MAX_LIMIT, 'limit')
    const timeout = within(
      numberOf(query.timeout) ?? DEFAULT_TIMEOUT_S,
      0,
      MAX_TIMEOUT_S,
      'timeout',
    )
    const types =
      query.types === undefined || query.types === '' ? undefined : query.types.split(',')
    const wanted = { limit, types, marker: numberOf(query.marker) }
    return poll(platform, wanted, timeout * 1000, left.signal)
  })
}

function within(value: number, least: number, most: number, name: string): number {
  if (value >= least && value <= most) return value
  throw new BadPayload(`${name}: must be between ${least} and ${most}`)
}

/** Beside a webhook a poll waits and gets nothing, or is refused: both were reported of the platform. */
async function poll(
  { subscriptions, eventLog, faults, changes }: Platform,
  query: PollQuery,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Page | { updates: WireUpdate[] }> {
  if (subscriptions.any && faults.delivery.pollingWhileSubscribed === 'refused') {
    throw new MethodNotAllowed('Updates go to the webhook while there is a subscription')
  }
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const page = subscriptions.any ? { updates: [] } : eventLog.read(query)
    const left = deadline - performance.now()
    const over = left <= 0 || signal.aborted || eventLog.closed
    if (page.updates.length > 0 || over) return page
    changes.tell({ kind: 'connection' })
    await eventLog.wait(left, signal)
  }
}
