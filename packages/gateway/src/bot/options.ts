/** How the bot is set up. */
export interface BotOptions {
  /** `MAX_BOT_TOKEN`; undefined: there is no bot. */
  token: string | undefined
  /** `MAX_API_BASE_URL`. */
  baseUrl: string
  /** How updates arrive. `off`: not at all, though messages can still be sent with a token. */
  mode: 'webhook' | 'polling' | 'off'
  /** The whole URL that the platform calls; needed to subscribe. */
  webhookUrl: string | undefined
  webhookSecret: string | undefined
  limits?: Partial<BotLimits>
}

/** Every bound of the bot, with a name. Milliseconds where they say so. */
export interface BotLimits {
  /** Calls a second to one chat and in all, as the platform limits them. */
  perChatSecond: number
  overallSecond: number
  /** Replicas share `overallSecond`: how often each says that it is there, and after what silence it is gone. */
  replicaGreetMs: number
  replicaSilentMs: number
  /** One call of the platform. */
  platformTimeoutMs: number
  /** One call of the state or the admin service. */
  upstreamTimeoutMs: number
  /** Updates and messages worked at once in this process. */
  inboxConcurrency: number
  outboxConcurrency: number
  /** Polling of the queues behind their wake-ups. */
  queuePollMs: number
  /** How often the subscription is looked after. */
  watchMs: number
  /** Long polling: lease of the one replica that polls, and the pause after an empty page. */
  pollLeaseMs: number
  pollPauseMs: number
  /** A message that could not be sent for so long is given up. */
  messageMaxAgeMs: number
  /** A task typed while the state service was away is given up after this. */
  keptTaskMaxAgeMs: number
  /** How long an update of somebody unknown waits for the admin service. */
  patienceMs: number
  /** How long a task must be quiet before its changes are told, and how long at most. */
  noticeQuietMs: number
  noticePatienceMs: number
  /** What the admin service said of a person: fresh, and usable while it is away. */
  personFreshMs: number
  personStaleMs: number
  peopleRemembered: number
  /** A conversation that nobody went on with. */
  dialogMs: number
  /** Retention of offers, of cards that are kept up to date, of told events. */
  offerMs: number
  cardMs: number
  eventMs: number
  /** Between two clean-ups. */
  cleanUpMs: number
  /** A presence that was set by hand, seconds. */
  presenceSeconds: number
  /** Where the clocks of groups go. */
  groupTimeZone: string
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export const DEFAULT_LIMITS: BotLimits = {
  perChatSecond: 2,
  overallSecond: 30,
  replicaGreetMs: 5 * SECOND,
  replicaSilentMs: 15 * SECOND,
  platformTimeoutMs: 10 * SECOND,
  upstreamTimeoutMs: 5 * SECOND,
  inboxConcurrency: 32,
  outboxConcurrency: 48,
  queuePollMs: 500,
  watchMs: 3 * MINUTE,
  pollLeaseMs: MINUTE,
  pollPauseMs: 500,
  messageMaxAgeMs: DAY,
  keptTaskMaxAgeMs: 7 * DAY,
  patienceMs: HOUR,
  noticeQuietMs: 700,
  noticePatienceMs: 10 * SECOND,
  personFreshMs: MINUTE,
  personStaleMs: DAY,
  peopleRemembered: 10_000,
  dialogMs: DAY,
  offerMs: 7 * DAY,
  cardMs: 30 * DAY,
  eventMs: 3 * DAY,
  cleanUpMs: 10 * MINUTE,
  presenceSeconds: 8 * 3600,
  groupTimeZone: 'Europe/Moscow',
}
