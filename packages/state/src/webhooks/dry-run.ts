import { Type } from '@sinclair/typebox'
import { CustomEvent, EntityEvent } from '@potok/contracts/event'
import type { SubscriptionCreate } from '@potok/contracts/webhook'
import { createParser } from '@potok/core/validation'
import type { FastifyInstance } from 'fastify'
import { filterMatches, namesMatch } from './matching.ts'

/** Events of the log that a dry run looks at. */
export const DRY_RUN_EVENTS = 1000

const parse = createParser(Type.Union([EntityEvent, CustomEvent]))

/** How many of the newest events a subscription would have got, as JSON text. */
export async function dryRun(
  events: Pick<FastifyInstance['events'], 'newest'>,
  { events: names, filter }: Pick<SubscriptionCreate, 'events' | 'filter'>,
): Promise<string> {
  const bodies = await events.newest(DRY_RUN_EVENTS)
  const matching = bodies.filter((body) => {
    const { event, data } = parse(JSON.parse(body))
    const { entity, id: entityId } = data
    const about = {
      event,
      data,
      ...(entity === undefined ? {} : { entity }),
      ...(entityId === undefined ? {} : { entityId }),
    }
    return namesMatch(names, event) && filterMatches(filter, about)
  })
  return JSON.stringify({ matching: matching.length, examined: bodies.length })
}
