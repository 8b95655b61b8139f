import { pauseMs } from './back-off.ts'

/** The right to make one attempt; its outcome is reported with it. */
export interface Pass {
  /** Outage that was going on when it was given; an attempt that began before an outage says nothing about it. */
  readonly failures: number
}

/** Nobody may pass in time, or nobody may any more. */
export class NoPass extends Error {}

export interface OutageOptions {
  /** Monotonic milliseconds. */
  now?: () => number
  random?: () => number
}

/**
 * While the external DB is away one attempt after each pause finds out whether it is back, and all the others wait: a
 * long backlog does not come to life for every try.
 */
export class Outage {
  readonly #now: () => number
  readonly #random: () => number
  readonly #waiting = new Set<() => void>()
  #failures = 0
  #until = 0
  #isProbing = false
  #closed = false

  constructor({ now = () => performance.now(), random = Math.random }: OutageOptions = {}) {
    this.#now = now
    this.#random = random
  }

  /** Failures in a row; 0: it works, as far as is known. */
  get failures(): number {
    return this.#failures
  }

  /** @throws NoPass after `limitMs`, or when it was closed */
  async pass(limitMs: number): Promise<Pass> {
    const endsAt = this.#now() + limitMs
    while (!this.#closed) {
      if (this.#failures === 0) return { failures: 0 }
      const leftMs = this.#until - this.#now()
      if (leftMs <= 0 && !this.#isProbing) {
        this.#isProbing = true
        return { failures: this.#failures }
      }
      const patienceMs = endsAt - this.#now()
      if (patienceMs <= 0) throw new NoPass('the external DB is away')
      // A probe's verdict wakes; without one there is only the time.
      await this.#wait(this.#isProbing ? patienceMs : Math.min(leftMs, patienceMs))
    }
    throw new NoPass('the service shuts down')
  }

  /** It answered: whoever waits may go. */
  worked(): void {
    this.#failures = 0
    this.#isProbing = false
    this.#wake()
  }

  /** It did not answer, or said that it cannot. */
  failed({ failures }: Pass, retryAfterMs = 0): void {
    // Those that were under way when the outage began are one failure together.
    if (failures !== this.#failures) return
    this.#failures += 1
    this.#isProbing = false
    this.#until = this.#now() + Math.max(retryAfterMs, pauseMs(this.#failures, this.#random))
    this.#wake()
  }

  /** There is a sign of life: the pause is over. */
  hurry(): void {
    if (this.#failures === 0) return
    this.#until = this.#now()
    this.#wake()
  }

  /** The probe ended without a verdict. */
  giveBack({ failures }: Pass): void {
    if (failures === 0 || failures !== this.#failures) return
    this.#isProbing = false
    this.#wake()
  }

  /** Whoever waits is sent away, and nobody passes any more. */
  close(): void {
    this.#closed = true
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(end)
        resolve()
      }
      const timer = setTimeout(end, Math.ceil(ms))
      this.#waiting.add(end)
    })
  }
}
