/** The whole simulated platform: its state and its rules, without HTTP. */
import { Conformance } from '../contract/conformance.ts'
import { silentLog, type Log } from '../log.ts'
import { DEFAULT_BOUNDS, type Bounds } from './bounds.ts'
import { Callbacks } from './callbacks.ts'
import { Changes } from './changes.ts'
import { Chats } from './chats.ts'
import { createClock, type Clock } from './clock.ts'
import { Deliveries } from './deliveries.ts'
import { createDialogs, type Dialogs } from './dialogs.ts'
import { EventLog } from './event-log.ts'
import { Faults } from './faults.ts'
import { createGroups, type Groups } from './groups.ts'
import { createMembership, type Membership } from './membership.ts'
import { Messages } from './messages.ts'
import {
  DEFAULT_BOT,
  People,
  SAMPLE_PEOPLE,
  type Bot,
  type BotIdentity,
  type NewPerson,
} from './people.ts'
import { press, type Press, type Pressed } from './presses.ts'
import { RateLimits } from './rate-limits.ts'
import { RequestLog } from './request-log.ts'
import { createSending, type Sending } from './sending.ts'
import { Subscriptions } from './subscriptions.ts'
import { Updates } from './updates.ts'
import { Uploads } from './uploads.ts'
import { createPersonMessages, type PersonMessages } from './writing.ts'

export interface PlatformOptions {
  /** Platform seconds in one real second. */
  timeScale?: number | undefined
  /** The platform's limits on the bot; on unless switched off. */
  rateLimits?: boolean | undefined
  /** Take `http://` webhooks on this machine, which the real platform refuses; on unless switched off. */
  loopbackTargets?: boolean | undefined
  bot?: Partial<BotIdentity> | undefined
  /** Who is there at the start and after a reset. */
  people?: readonly NewPerson[] | undefined
  bounds?: Partial<Bounds> | undefined
  log?: Log | undefined
}

/** What every set of routes works on. */
export interface PlatformOption {
  platform: Platform
}

export interface Platform {
  readonly bounds: Bounds
  readonly clock: Clock
  readonly bot: Bot
  readonly people: People
  readonly chats: Chats
  readonly messages: Messages
  readonly callbacks: Callbacks
  readonly uploads: Uploads
  readonly faults: Faults
  readonly limits: RateLimits
  readonly subscriptions: Subscriptions
  readonly deliveries: Deliveries
  readonly eventLog: EventLog
  readonly updates: Updates
  readonly requests: RequestLog
  readonly conformance: Conformance
  readonly changes: Changes
  /** What the bot does. */
  readonly sending: Sending
  readonly membership: Membership
  /** What people do. */
  readonly dialogs: Dialogs
  readonly groups: Groups
  readonly writing: PersonMessages
  readonly press: (userId: number, press: Press) => Pressed
  /** Back to the sample people; subscriptions stay, because the bot could not know. */
  reset(options?: { subscriptions?: boolean }): void
  close(): void
}

export function createPlatform(options: PlatformOptions = {}): Platform {
  const parts = createParts(options)
  const { bot, people, chats } = parts
  const botId = bot.userId
  const fill = (): void => {
    for (const person of options.people ?? SAMPLE_PEOPLE) chats.dialog(people.add(person).userId)
  }
  fill()
  return {
    ...parts,
    sending: createSending(parts),
    membership: createMembership({ ...parts, botId }),
    dialogs: createDialogs(parts),
    groups: createGroups({ ...parts, botId }),
    writing: createPersonMessages(parts),
    press: (userId, wanted) => press({ ...parts, botId }, userId, wanted),
    reset({ subscriptions = false } = {}) {
      clear(parts)
      if (subscriptions) parts.subscriptions.clear()
      fill()
      parts.changes.tell({ kind: 'reset' })
    },
    close() {
      parts.updates.clear()
      parts.deliveries.close()
      parts.eventLog.close()
    },
  }
}

function createParts(options: PlatformOptions) {
  const { log = silentLog, rateLimits = true, loopbackTargets = true } = options
  const bounds = { ...DEFAULT_BOUNDS, ...options.bounds }
  const clock = createClock(options.timeScale)
  const now = (): number => clock.now()
  const bot: Bot = { ...DEFAULT_BOT, ...options.bot, commands: [], lastActivity: now() }
  const botId = bot.userId
  const people = new People({ bounds, now, bot })
  const changes = new Changes()
  const faults = new Faults({ bounds })
  const subscriptions = new Subscriptions({ bounds, now, loopbackTargets })
  const eventLog = new EventLog({ bounds, clock })
  const conformance = new Conformance({ size: bounds.violations, log })
  const changed = (): void => changes.tell({ kind: 'connection' })
  const deliveries = new Deliveries({ bounds, clock, log, faults, subscriptions, changed })
  return {
    bounds,
    clock,
    bot,
    people,
    changes,
    faults,
    subscriptions,
    eventLog,
    deliveries,
    chats: new Chats({ bounds, now, botId }),
    messages: new Messages({ bounds, people, botId, now }),
    callbacks: new Callbacks({ bounds }),
    uploads: new Uploads({ bounds }),
    limits: new RateLimits({ enabled: rateLimits, now }),
    conformance,
    updates: new Updates({
      bounds,
      clock,
      faults,
      subscriptions,
      deliveries,
      eventLog,
      conformance,
    }),
    requests: new RequestLog({ size: bounds.requestLog }),
  }
}

function clear(parts: ReturnType<typeof createParts>): void {
  parts.updates.clear()
  parts.deliveries.clear()
  parts.eventLog.clear()
  parts.faults.clear()
  parts.limits.clear()
  parts.callbacks.clear()
  parts.uploads.clear()
  parts.messages.clear()
  parts.chats.clear()
  parts.people.clear()
  parts.requests.clear()
  parts.conformance.clear()
}
