import type { FastifyBaseLogger } from 'fastify'
import type { Registry } from 'prom-client'
import type { HttpClient } from '@potok/core/http-client'
import type { LaneStats } from '@potok/core/queue'
import type { Store } from '../store/index.ts'
import { createAccounts } from './accounts.ts'
import { createCardMessages } from './card-messages.ts'
import { createCards } from './cards.ts'
import type { Desk } from './desk.ts'
import { createDialogs } from './dialogs.ts'
import { createFacts } from './facts.ts'
import { createBotMetrics, type BotQueue } from './metrics.ts'
import type { NoticesDeps } from './notices.ts'
import { createLinkClaims } from './link-claims.ts'
import { createOffers } from './offers.ts'
import type { BotLimits } from './options.ts'
import { createPeople } from './people.ts'
import { createTasks } from './tasks.ts'

export interface OfficeDeps {
  limits: BotLimits
  database: Store
  state: Pick<HttpClient, 'request'>
  admin: Pick<HttpClient, 'request'>
  redeemLinkCode: Desk['redeemLinkCode']
  announce: NoticesDeps['announce']
  registry: Registry
  log: FastifyBaseLogger
  /** Epoch milliseconds. */
  now: () => number
}

export type Office = ReturnType<typeof createOffice>

interface Counted {
  stats: () => Promise<LaneStats[]>
}

/** What the bot knows and looks things up in; everything here is without a will of its own. */
export function createOffice(deps: OfficeDeps) {
  const { database, limits, now, log } = deps
  const queues = new Map<BotQueue, Counted>()
  const metrics = createBotMetrics(deps.registry, async (name) =>
    ((await queues.get(name)?.stats()) ?? []).reduce((sum, { pending }) => sum + pending, 0),
  )
  const deadlineMs = limits.upstreamTimeoutMs
  const tasks = createTasks({ request: deps.state.request, deadlineMs })
  const accounts = createAccounts({
    request: deps.admin.request,
    deadlineMs,
    listMs: limits.personFreshMs,
    now,
  })
  const people = createPeople({
    database,
    accounts,
    freshMs: limits.personFreshMs,
    staleMs: limits.personStaleMs,
    remembered: limits.peopleRemembered,
    now,
  })
  const cards = createCards({ tasks, accounts })
  const offers = createOffers(database)
  const desk: Desk = {
    tasks,
    accounts,
    people,
    cards,
    offers,
    redeemLinkCode: deps.redeemLinkCode,
    linkClaims: createLinkClaims(database),
    presenceSeconds: limits.presenceSeconds,
  }
  return {
    database,
    limits,
    log,
    now,
    metrics,
    tasks,
    people,
    cards,
    offers,
    desk,
    announce: deps.announce,
    facts: createFacts(database),
    cardMessages: createCardMessages(database),
    dialogs: createDialogs(database, { ttlMs: limits.dialogMs }),
    /** From now on the metrics tell how much waits there. */
    count: (name: BotQueue, queue: Counted): void => void queues.set(name, queue),
  }
}
