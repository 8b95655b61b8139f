import { closedSet } from '@potok/contracts/closed-set'
import { Timestamp } from '@potok/contracts/identifiers'
import { Problem } from '@potok/contracts/problem'
import { Type, type Static } from '@sinclair/typebox'

const NAME = '[a-z][a-z0-9-]{0,31}'
const WHERE = String.raw`(?:https?://[^\s,=]{1,200}|srv:[A-Za-z0-9._-]{1,200})`
/** What `DISCOVERY_SERVICES` may look like. */
export const SERVICES = `^${NAME}=${WHERE}(?:,${NAME}=${WHERE}){0,31}$`

const KnownService = Type.Object({
  name: Type.String({ examples: ['admin'] }),
  url: Type.Union([Type.String(), Type.Null()], {
    description: 'Origin; null: the DNS does not know it',
    examples: ['http://admin:3000'],
  }),
  source: closedSet(['env', 'dns'], {
    description: 'Where the origin comes from: a variable, or an SRV record',
  }),
  addresses: Type.Array(Type.String(), {
    description: 'What the host name stands for now',
    examples: [['10.0.3.17']],
  }),
  resolvedAt: Type.Union([Timestamp, Type.Null()]),
  status: closedSet(['up', 'down', 'unknown'], {
    description: 'What it says of itself, as far as it could be asked; unknown: not asked yet',
  }),
  since: Type.Union([Timestamp, Type.Null()], { description: 'Since when it has this status' }),
  checkedAt: Type.Union([Timestamp, Type.Null()]),
  latencyMs: Type.Union([Type.Number(), Type.Null()]),
  circuit: Type.Optional(
    closedSet(['closed', 'open', 'half_open'], {
      description: 'The breaker of our requests to it, where this service calls it',
    }),
  ),
})
export type KnownService = Static<typeof KnownService>

export const servicesSchema = {
  tags: ['operations'],
  summary: 'The other services that this one knows, where they were found, and how they do',
  response: { 200: Type.Object({ items: Type.Array(KnownService) }), '4xx': Problem },
}
