import type { FastifyBaseLogger } from 'fastify'
import type { EntityEvent } from '@potok/contracts/event'
import { createParser } from '@potok/core/validation'
import { converse } from './conversation.ts'
import { cleanUp } from './housekeeping.ts'
import { createIntake } from './intake.ts'
import { createMail } from './mail.ts'
import { createOffice, type OfficeDeps } from './office.ts'
import type { BotOptions } from './options.ts'
import { createPlatform, Self, type Platform } from './platform.ts'
import { createPolling } from './polling.ts'
import { createReplicas } from './replicas.ts'
import type { AnyUpdate } from './schemas.ts'
import { createSubscription } from './subscription.ts'
import type { TurnContext } from './turn.ts'
import { createWatch } from './watch.ts'

export interface EngineDeps extends Omit<OfficeDeps, 'now'> {
  bot: BotOptions & { token: string }
  now?: () => number
}

const SELF = 'self'
const parseSelf = createParser(Self)

/** The whole bot: what takes updates, what works them, what sends, what tells. Knows no HTTP server. */
export function createEngine({ bot, now = Date.now, ...deps }: EngineDeps) {
  const office = createOffice({ ...deps, now })
  const { limits, database, facts, log, metrics, desk } = office
  const { token, baseUrl } = bot
  const platform = createPlatform<TurnContext>({
    token,
    baseUrl,
    timeoutMs: limits.platformTimeoutMs,
  })
  converse(platform.bot, desk)

  let self: Self | undefined
  const { replicaSilentMs: silentMs, replicaGreetMs } = limits
  const replicas = createReplicas({ database, facts, silentMs })
  const mail = createMail({ office, platform, self: () => self, replicas: () => replicas.count() })
  const intake = createIntake({ database, inbox: mail.inbox, metrics, log, now })

  /** Who we are on the platform; what it said last time serves until it answers. */
  async function introduce(): Promise<void> {
    if (self === undefined) {
      const known = await facts.get(SELF)
      if (parseSelf.check(known)) self = known
    }
    const present = await platform.me()
    self = present
    await database.write((trx) => facts.set(trx, SELF, present))
  }

  const source = createSource({ bot, platform, intake, office })
  const watches = [
    createWatch({ name: 'bot', work: introduce, everyMs: limits.watchMs, log }),
    createWatch({ name: 'replicas', work: () => replicas.greet(), everyMs: replicaGreetMs, log }),
    ...(source === undefined ? [] : [createWatch({ name: bot.mode, log, ...source })]),
    createWatch({
      name: 'clean-up',
      work: () => cleanUp(database, limits),
      everyMs: limits.cleanUpMs,
      log,
    }),
  ]

  return {
    receive: (raw: AnyUpdate, correlationId: string) => intake.receive(raw, correlationId),
    notifyTaskEvent: (event: EntityEvent, correlationId: string) =>
      mail.notices.take(event, correlationId),
    /** Does the platform answer, and do updates come? */
    healthy: (): boolean => watches.every((watch) => watch.healthy()),
    start(): void {
      mail.start()
      for (const watch of watches) watch.start()
    },
    async close(): Promise<void> {
      await Promise.all(watches.map((watch) => watch.close()))
      await quietly(source?.end?.(), log)
      await mail.close()
      await quietly(replicas.leave(), log)
    },
  }
}

interface Source {
  work: (signal: AbortSignal) => Promise<void>
  everyMs: number
  end?: () => Promise<void>
}

/** Where updates come from. */
function createSource({
  bot,
  platform,
  intake,
  office,
}: {
  bot: BotOptions
  platform: Platform<TurnContext>
  intake: ReturnType<typeof createIntake>
  office: ReturnType<typeof createOffice>
}): Source | undefined {
  const { limits, log, database, facts } = office
  const { webhookUrl: url, webhookSecret: secret } = bot
  if (bot.mode === 'webhook' && url !== undefined && secret !== undefined) {
    const ensure = createSubscription({ platform, url, secret, log })
    return { work: ensure, everyMs: limits.watchMs }
  }
  if (bot.mode !== 'polling') return undefined
  const { pollLeaseMs: leaseMs, pollPauseMs: pauseMs } = limits
  const polling = createPolling({ database, facts, platform, intake, log, leaseMs, pauseMs })
  return {
    work: (signal) => polling.poll(signal),
    everyMs: pauseMs,
    end: () => polling.release(),
  }
}

/** A lease that could not be given back runs out by itself: no reason to close badly. */
async function quietly(leaving: Promise<void> | undefined, log: FastifyBaseLogger): Promise<void> {
  try {
    await leaving
  } catch (error) {
    log.warn({ err: error }, 'a lease was not given back, it runs out')
  }
}
