import { createCardEdits } from './card-edits.ts'
import { createDeferred } from './deferred.ts'
import { createInbox } from './inbox.ts'
import { createLastSent } from './last-sent.ts'
import { createNotices } from './notices.ts'
import type { Office } from './office.ts'
import type { BotLimits } from './options.ts'
import { createOutbox } from './outbox.ts'
import { createPace } from './pace.ts'
import type { Platform, Self } from './platform.ts'
import { createReporter } from './reporter.ts'
import { createTaskEvents } from './task-events.ts'
import type { TurnContext } from './turn.ts'

export interface MailDeps {
  office: Office
  /** How many processes share the platform's limits. */
  replicas: () => number
  platform: Platform<TurnContext>
  self: () => Self | undefined
}

/** The queues of the bot: what comes in, what goes out, what waits for better times, what people must be told. */
export function createMail({ office, replicas, platform, self }: MailDeps) {
  const { database, limits, log, metrics, people, tasks, cards, cardMessages, now } = office
  const { queuePollMs: pollMs } = limits
  const every = { database, metrics, log, pollMs }

  const outbox = createOutbox({
    ...every,
    platform,
    self,
    lastSent: createLastSent(database),
    pace: sharedPace(limits, replicas),
    cards: cardMessages,
    people,
    maxAgeMs: limits.messageMaxAgeMs,
    concurrency: limits.outboxConcurrency,
  })
  const deferred = createDeferred({
    ...every,
    tasks,
    people,
    cards,
    outbox,
    maxAgeMs: limits.keptTaskMaxAgeMs,
  })
  const inbox = createInbox({
    ...every,
    bot: platform.bot,
    self,
    people,
    dialogs: office.dialogs,
    offers: office.offers,
    cards: cardMessages,
    deferred,
    outbox,
    concurrency: limits.inboxConcurrency,
    patienceMs: limits.patienceMs,
  })
  const { groupTimeZone, noticeQuietMs: quietMs, noticePatienceMs: patienceMs } = limits
  const events = createTaskEvents({ database, quietMs, patienceMs })
  const cardEdits = createCardEdits({ people, cards, cardMessages, groupTimeZone, now })
  const reporter = createReporter({ tasks, people, cards, cardEdits, metrics, now })
  const { announce } = office
  const notices = createNotices({ ...every, ...reporter, events, outbox, announce, quietMs })

  office.count('inbox', inbox)
  office.count('outbox', outbox)
  office.count('deferred', deferred)
  office.count('notices', notices)
  const queues = [outbox, deferred, inbox, notices]
  return {
    inbox,
    notices,
    start(): void {
      for (const queue of queues) queue.start()
    },
    /** First what makes work, then what does it. */
    async close(): Promise<void> {
      for (const queue of queues.toReversed()) await queue.close()
    },
  }
}

/** Within the platform's limits together with the other replicas. */
function sharedPace({ perChatSecond, overallSecond }: BotLimits, replicas: () => number) {
  return createPace({
    perChat: perChatSecond,
    overall: () => Math.max(1, Math.floor(overallSecond / replicas())),
  })
}
