import { Counter, Gauge, type Registry } from 'prom-client'

export type BotMetrics = ReturnType<typeof createBotMetrics>

export type BotQueue = (typeof BOT_QUEUES)[number]

/** What became of a call that sends something. */
type SendOutcome = 'sent' | 'skipped' | 'limited' | 'unavailable' | 'unreachable' | 'refused'

/** What became of an update. */
type UpdateOutcome = 'done' | 'retried' | 'failed'

export const BOT_QUEUES = ['inbox', 'outbox', 'deferred', 'notices'] as const

/** One gauge a queue, counted when it is asked for. */
function registerBacklogs(registry: Registry, backlog: (queue: BotQueue) => Promise<number>): void {
  for (const queue of BOT_QUEUES) {
    const gauge: Gauge = new Gauge({
      name: `bot_${queue}_backlog`,
      help: `Jobs in the bot's ${queue} that are not finished`,
      registers: [registry],
      collect: async (): Promise<void> => gauge.set(await backlog(queue)),
    })
  }
}

export function createBotMetrics(
  registry: Registry,
  backlog: (queue: BotQueue) => Promise<number>,
) {
  registerBacklogs(registry, backlog)
  const counter = <Label extends string>(name: string, help: string, label: Label) =>
    new Counter({ name, help, labelNames: [label], registers: [registry] })

  const updates = counter(
    'bot_updates_total',
    'Updates of the MAX platform, by type; types that we do not know are "unknown"',
    'type',
  )
  const dropped = counter(
    'bot_updates_dropped_total',
    'Updates that were answered and dropped, by reason',
    'reason',
  )
  const worked = counter(
    'bot_updates_worked_total',
    'Attempts at updates out of the inbox, by outcome',
    'outcome',
  )
  const messages = counter(
    'bot_messages_sent_total',
    'Calls that send or change a message, by outcome',
    'outcome',
  )
  const repeated = counter(
    'bot_messages_repeated_total',
    'Messages sent again without knowing whether the last try had arrived: a person may have got them twice',
    'kind',
  )
  const notices = counter(
    'bot_notices_total',
    'Notices to people, by what became of them',
    'outcome',
  )
  return {
    received: (type: string): void => updates.inc({ type }),
    dropped: (reason: 'duplicate' | 'invalid' | 'ignored'): void => dropped.inc({ reason }),
    worked: (outcome: UpdateOutcome): void => worked.inc({ outcome }),
    sent: (outcome: SendOutcome): void => messages.inc({ outcome }),
    repeated: (kind: string): void => repeated.inc({ kind }),
    notice: (outcome: 'sent' | 'off' | 'quiet' | 'unreachable' | 'outdated'): void =>
      notices.inc({ outcome }),
  }
}
