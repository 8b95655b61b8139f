import { Counter, Gauge, type Registry } from 'prom-client'

export type BotMetrics = ReturnType<typeof createBotMetrics>

export type BotQueue = 'inbox' | 'outbox' | 'deferred' | 'notices'

/** What became of a call that sends something. */
type SendOutcome = 'sent' | 'skipped' | 'limited' | 'unavailable' | 'unreachable' | 'refused'

/** What became of an update. */
type UpdateOutcome = 'done' | 'retried' | 'failed'

export function createBotMetrics(
  registry: Registry,
  backlog: (queue: BotQueue) => Promise<number>,
) {
  const registers: [Registry] = [registry]
  const updates = new Counter({
    name: 'bot_updates_total',
    help: 'Updates of the MAX platform, by type; types that we do not know are "unknown"',
    labelNames: ['type'] as const,
    registers,
  })
  const refused = new Counter({
    name: 'bot_updates_refused_total',
    help: 'Updates that were answered and dropped, by reason',
    labelNames: ['reason'] as const,
    registers,
  })
  const worked = new Counter({
    name: 'bot_updates_worked_total',
    help: 'Attempts at updates out of the inbox, by outcome',
    labelNames: ['outcome'] as const,
    registers,
  })
  const messages = new Counter({
    name: 'bot_messages_sent_total',
    help: 'Calls that send or change a message, by outcome',
    labelNames: ['outcome'] as const,
    registers,
  })
  const repeated = new Counter({
    name: 'bot_messages_repeated_total',
    help: 'Messages that were under way when a process died: a person may have got them twice',
    labelNames: ['kind'] as const,
    registers,
  })
  const queued = new Counter({
    name: 'bot_jobs_queued_total',
    help: 'Jobs stored, by queue',
    labelNames: ['queue'] as const,
    registers,
  })
  const notices = new Counter({
    name: 'bot_notices_total',
    help: 'Notices to people, by what became of them',
    labelNames: ['outcome'] as const,
    registers,
  })
  for (const queue of ['inbox', 'outbox', 'deferred', 'notices'] as const) {
    registers[0].registerMetric(
      new Gauge({
        name: `bot_${queue}_backlog`,
        help: `Jobs in the bot's ${queue} that are not finished`,
        registers: [],
        async collect() {
          this.set(await backlog(queue))
        },
      }),
    )
  }

  return {
    received: (type: string): void => updates.inc({ type }),
    refused: (reason: 'duplicate' | 'invalid' | 'ignored'): void => refused.inc({ reason }),
    worked: (outcome: UpdateOutcome): void => worked.inc({ outcome }),
    sent: (outcome: SendOutcome): void => messages.inc({ outcome }),
    repeated: (kind: string): void => repeated.inc({ kind }),
    queued: (queue: BotQueue, count: number): void => queued.inc({ queue }, count),
    notice: (outcome: 'sent' | 'off' | 'quiet' | 'unreachable'): void => notices.inc({ outcome }),
  }
}
