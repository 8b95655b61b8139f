/**
 * Pushing updates to the subscribers: chats are independent, the updates of one chat go one after the other, a failed one
 * is tried again by the platform's schedule while the next ones pass it (the platform promises no order either).
 */
import { setMaxListeners } from 'node:events'
import type { Log } from '../log.ts'
import { Ring, type Bounds } from './bounds.ts'
import type { Clock } from './clock.ts'
import type { Faults } from './faults.ts'
import { stringify } from './json.ts'
import { push, type PushResult } from './push.ts'
import { GIVE_UP_MS, PUSH_TIMEOUT_MS, retryDelay } from './schedule.ts'
import type { Subscription, Subscriptions } from './subscriptions.ts'
import type { WireUpdate } from './wire.ts'

export interface Delivery {
  /** Unix milliseconds of the attempt. */
  readonly at: number
  readonly url: string
  readonly updateType: string
  /** Counted from 1. */
  readonly attempt: number
  readonly status?: number | undefined
  readonly error?: string | undefined
  readonly durationMs: number
}

interface Job {
  readonly url: string
  readonly updateType: string
  readonly body: Buffer
  readonly born: number
  attempts: number
}

interface Deps {
  bounds: Bounds
  clock: Clock
  log: Log
  faults: Faults
  subscriptions: Subscriptions
  /** Called after every attempt and when the platform drops a subscription. */
  changed: () => void
}

/** Even on a fast clock a receiver gets so many real milliseconds to answer. */
const MIN_PUSH_TIMEOUT_MS = 1000

export class Deliveries {
  readonly #deps: Deps
  readonly #lanes = new Map<string, Job[]>()
  readonly #ready: string[] = []
  readonly #timers = new Set<NodeJS.Timeout>()
  /** Since when an endpoint fails without a success between; its timer ends the subscription. */
  readonly #failing = new Map<string, NodeJS.Timeout>()
  readonly #log: Ring<Delivery>
  readonly #closing = new AbortController()
  #running = 0
  #pending = 0
  #lane = 0
  #dropped = 0

  constructor(deps: Deps) {
    this.#deps = deps
    // Each push listens to it, and the number of pushes has its own bound.
    setMaxListeners(deps.bounds.concurrentPushes, this.#closing.signal)
    this.#log = new Ring(deps.bounds.deliveryLog)
  }

  /** @param chat updates with the same one are first tried in this order */
  enqueue(subscription: Subscription, update: WireUpdate, chat: number): void {
    if (this.#pending >= this.#deps.bounds.pendingPushes) {
      this.#dropped += 1
      this.#deps.log.warn('too many pending pushes, an update is dropped', {
        pending: this.#pending,
      })
      return
    }
    this.#pending += 1
    this.#append(
      this.#deps.faults.delivery.parallel ? this.#ownLane() : `${subscription.url} ${chat}`,
      {
        url: subscription.url,
        updateType: update.update_type,
        // Serialised once: every attempt sends the same bytes.
        body: Buffer.from(stringify(update)),
        born: this.#deps.clock.now(),
        attempts: 0,
      },
    )
  }

  get pending(): number {
    return this.#pending
  }

  get dropped(): number {
    return this.#dropped
  }

  /** Whether the endpoint's last attempts failed. */
  isFailing(url: string): boolean {
    return this.#failing.has(url)
  }

  /** A subscription that was made anew or taken back starts with a clean record. */
  forget(url: string): void {
    clearTimeout(this.#failing.get(url))
    this.#failing.delete(url)
  }

  list(): readonly Delivery[] {
    return this.#log.list()
  }

  /** Everything waiting is let go; what is on its way ends by itself. */
  clear(): void {
    for (const jobs of this.#lanes.values()) this.#pending -= jobs.length
    this.#lanes.clear()
    this.#ready.length = 0
    this.#pending -= this.#timers.size
    for (const timer of [...this.#timers, ...this.#failing.values()]) clearTimeout(timer)
    this.#timers.clear()
    this.#failing.clear()
    this.#log.clear()
  }

  close(): void {
    this.clear()
    this.#closing.abort()
  }

  /** A retry and a parallel push wait for nobody. */
  #ownLane(): string {
    this.#lane += 1
    return `lane ${this.#lane}`
  }

  #append(lane: string, job: Job): void {
    const jobs = this.#lanes.get(lane)
    if (jobs !== undefined) {
      jobs.push(job)
      return
    }
    this.#lanes.set(lane, [job])
    this.#ready.push(lane)
    this.#pump()
  }

  #pump(): void {
    while (this.#running < this.#deps.bounds.concurrentPushes) {
      const lane = this.#ready.shift()
      if (lane === undefined) return
      const jobs = this.#lanes.get(lane)
      const job = jobs?.shift()
      if (jobs === undefined || job === undefined) this.#lanes.delete(lane)
      else void this.#run(lane, jobs, job)
    }
  }

  async #run(lane: string, jobs: Job[], job: Job): Promise<void> {
    this.#running += 1
    await this.#attempt(job)
    this.#running -= 1
    // After a clear the lane may be gone or be another one.
    if (this.#lanes.get(lane) === jobs) this.#ready.push(lane)
    this.#pump()
  }

  async #attempt(job: Job): Promise<void> {
    const subscription = this.#deps.subscriptions.find(job.url)
    if (subscription === undefined) {
      this.#pending -= 1
      return
    }
    const at = this.#deps.clock.now()
    job.attempts += 1
    const result = await push(subscription, job.body, {
      timeoutMs: Math.max(this.#deps.clock.real(PUSH_TIMEOUT_MS), MIN_PUSH_TIMEOUT_MS),
      splitUtf8: this.#deps.faults.delivery.splitUtf8,
      signal: this.#closing.signal,
    })
    if (this.#closing.signal.aborted) return
    const { url, updateType, attempts: attempt } = job
    const durationMs = this.#deps.clock.now() - at
    this.#log.push({ at, url, updateType, attempt, durationMs, ...result })
    if ('status' in result && result.status === 200) this.#succeeded(job)
    else this.#failed(job, result)
    this.#deps.changed()
  }

  #succeeded(job: Job): void {
    this.#pending -= 1
    this.forget(job.url)
  }

  #failed(job: Job, result: PushResult): void {
    const { clock, log } = this.#deps
    log.warn('webhook push failed', { url: job.url, attempt: job.attempts, ...result })
    this.#watch(job.url)
    const delay = retryDelay(job.attempts)
    if (delay === undefined || clock.age(job.born) + delay > GIVE_UP_MS) {
      this.#pending -= 1
      log.warn('an update is given up', { url: job.url, updateType: job.updateType })
      return
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#append(this.#ownLane(), job)
    }, clock.real(delay))
    this.#timers.add(timer)
  }

  /** Eight hours without a success end the subscription. */
  #watch(url: string): void {
    if (this.#failing.has(url)) return
    const end = (): void => {
      this.#failing.delete(url)
      if (this.#deps.subscriptions.remove(url)) {
        this.#deps.log.warn('no answer for eight hours, the subscription is removed', { url })
      }
      this.#deps.changed()
    }
    this.#failing.set(url, setTimeout(end, this.#deps.clock.real(GIVE_UP_MS)))
  }
}
