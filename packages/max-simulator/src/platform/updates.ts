/** From an event to the bot: faults, then the webhook if there is one, else the log for polling. */
import type { Conformance } from '../contract/conformance.ts'
import type { Bounds } from './bounds.ts'
import type { Clock } from './clock.ts'
import type { Deliveries } from './deliveries.ts'
import type { EventLog } from './event-log.ts'
import type { Faults } from './faults.ts'
import { stringify } from './json.ts'
import type { Subscriptions } from './subscriptions.ts'
import type { UpdateType, WireUpdate } from './wire.ts'

interface Deps {
  bounds: Bounds
  clock: Clock
  faults: Faults
  subscriptions: Subscriptions
  deliveries: Deliveries
  eventLog: EventLog
  conformance: Conformance
}

interface Held {
  readonly update: WireUpdate
  readonly chat: number
  readonly timer: NodeJS.Timeout
}

/** How long an update waits for a neighbour to change places with. */
const REORDER_WAIT_MS = 300

export class Updates {
  readonly #deps: Deps
  readonly #delayed = new Set<NodeJS.Timeout>()
  /** One for each chat. */
  readonly #held = new Map<number, Held>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** @param fields absent ones are left out on the wire */
  publish(type: UpdateType, chat: number, fields: Readonly<Record<string, unknown>>): void {
    const update = { ...fields, update_type: type, timestamp: this.#deps.clock.now() }
    this.#deps.conformance.update(JSON.parse(stringify(update)), type)
    this.inject(update, chat)
  }

  /** Any update, also one that this simulator would not make itself. */
  inject(update: WireUpdate, chat: number): void {
    const { delayMs } = this.#deps.faults.delivery
    if (delayMs === 0 || this.#delayed.size >= this.#deps.bounds.heldUpdates) {
      this.#reorder(update, chat)
      return
    }
    const timer = setTimeout(() => {
      this.#delayed.delete(timer)
      this.#reorder(update, chat)
    }, delayMs)
    this.#delayed.add(timer)
  }

  clear(): void {
    for (const timer of this.#delayed) clearTimeout(timer)
    for (const { timer } of this.#held.values()) clearTimeout(timer)
    this.#delayed.clear()
    this.#held.clear()
  }

  #reorder(update: WireUpdate, chat: number): void {
    const first = this.#held.get(chat)
    if (first !== undefined) {
      clearTimeout(first.timer)
      this.#held.delete(chat)
      this.#copies(update, chat)
      this.#copies(first.update, chat)
    } else if (this.#deps.faults.delivery.reorder) {
      const timer = setTimeout(() => {
        this.#held.delete(chat)
        this.#copies(update, chat)
      }, REORDER_WAIT_MS)
      this.#held.set(chat, { update, chat, timer })
    } else {
      this.#copies(update, chat)
    }
  }

  #copies(update: WireUpdate, chat: number): void {
    for (let copy = 0; copy <= this.#deps.faults.delivery.duplicates; copy += 1) {
      this.#route(update, chat)
    }
  }

  /** While somebody is subscribed, polling gets nothing. */
  #route(update: WireUpdate, chat: number): void {
    const { subscriptions, deliveries, eventLog } = this.#deps
    if (!subscriptions.any) {
      eventLog.append(update)
      return
    }
    for (const subscription of subscriptions.matching(update.update_type)) {
      deliveries.enqueue(subscription, update, chat)
    }
  }
}
