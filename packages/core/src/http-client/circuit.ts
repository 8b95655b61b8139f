import {
  EventEmitter,
  type IDefaultPolicyContext,
  type IFailureEvent,
  type IPolicy,
  type ISuccessEvent,
} from 'cockatiel'
import type { FastifyBaseLogger } from 'fastify'

export type CircuitState = 'closed' | 'open' | 'half_open'

/** The values of the metric `circuit_breaker_state`. */
export const circuitStateValue = { closed: 0, open: 1, half_open: 2 } as const

/** What an attempt says about the upstream; `neutral` (the caller left, the body was too big …) says nothing. */
export type Verdict = 'success' | 'failure' | 'neutral'

export interface CircuitThresholds {
  /** Consecutive failed attempts that open the circuit. */
  failureThreshold: number
  /** Successful probes, one after the other, that close it again. */
  successThreshold: number
  /** From opening to the first probe; also how long a probe may take before another may go. */
  resetMs: number
}

export interface CircuitOptions extends CircuitThresholds {
  name: string
  log: FastifyBaseLogger
  ofResult: (result: unknown) => Verdict
  ofError: (error: unknown) => Verdict
  /** Makes the error of those who are not let through. */
  rejection: (retryAfterMs: number) => Error
  onStateChange?: (state: CircuitState, previous: CircuitState) => void
  /** Epoch milliseconds. */
  now?: () => number
}

export interface CircuitSnapshot {
  state: CircuitState
  /** Consecutive failures, probes included. */
  failures: number
  /** Successful probes so far, when half-open. */
  successes: number
  /** Epoch milliseconds, null when closed. */
  openedAt: number | null
  /** Opened by hand: stays open until closed or reset by hand. */
  held: boolean
  /** Until the next request may pass; 0 when one may pass now. */
  retryAfterMs: number
}

interface Probe {
  startedAt: number
}

type Phase =
  | { state: 'closed' }
  | { state: 'open'; openedAt: number; held: boolean }
  | { state: 'half_open'; openedAt: number; successes: number; probe: Probe | undefined }

/** The right to make one attempt. It counts only in the phase that gave it. */
interface Pass {
  phase: Phase
  probe: Probe | undefined
}

/** What callers are told while another one probes: its end is near but unknown. */
export const PROBE_RETRY_AFTER_MS = 1000

const neverAborted = new AbortController().signal

/**
 * A circuit breaker that composes with cockatiel's policies. cockatiel's own closes after one success whatever its
 * breaker says and lets queued callers through a half-open circuit; this one admits one probe at a time and nobody else.
 */
export class Circuit implements IPolicy {
  declare readonly _altReturn: never
  readonly #options: CircuitOptions
  readonly #now: () => number
  readonly #succeeded = new EventEmitter<ISuccessEvent>()
  readonly #failed = new EventEmitter<IFailureEvent>()
  #phase: Phase = { state: 'closed' }
  #failures = 0

  readonly onSuccess = this.#succeeded.addListener
  readonly onFailure = this.#failed.addListener

  constructor(options: CircuitOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  get state(): CircuitState {
    return this.#current().state
  }

  snapshot(): CircuitSnapshot {
    const phase = this.#current()
    return {
      state: phase.state,
      failures: this.#failures,
      successes: phase.state === 'half_open' ? phase.successes : 0,
      openedAt: phase.state === 'closed' ? null : phase.openedAt,
      held: phase.state === 'open' && phase.held,
      retryAfterMs: this.#retryAfterMs(phase),
    }
  }

  /** Throws the rejection when an attempt made now would not be let through; takes nothing. */
  check(): void {
    const retryAfterMs = this.#retryAfterMs(this.#current())
    if (retryAfterMs > 0) throw this.#options.rejection(retryAfterMs)
  }

  async execute<T>(
    attempt: (context: IDefaultPolicyContext) => PromiseLike<T> | T,
    signal: AbortSignal = neverAborted,
  ): Promise<T> {
    const pass = this.#admit()
    const startedAt = performance.now()
    try {
      const value = await attempt({ signal })
      const verdict = this.#options.ofResult(value)
      this.#settle(pass, verdict)
      this.#emit(verdict, startedAt, { value })
      return value
    } catch (error) {
      const verdict = this.#options.ofError(error)
      this.#settle(pass, verdict)
      const reason = { error: error instanceof Error ? error : new Error(String(error)) }
      this.#emit(verdict === 'success' ? 'neutral' : verdict, startedAt, reason)
      throw error
    }
  }

  /** Opens it by hand, until `close` or `reset`: no probes. */
  open(): void {
    this.#enter({ state: 'open', openedAt: this.#now(), held: true }, 'opened by hand')
  }

  /** Closes it by hand; it goes on watching. */
  close(): void {
    this.#failures = 0
    this.#enter({ state: 'closed' }, 'closed by hand')
  }

  /** Back to the state of a fresh start, without waiting for probes. */
  reset(): void {
    this.#failures = 0
    this.#enter({ state: 'closed' }, 'reset by hand')
  }

  /** The phase now: an open circuit whose time is over is half-open, whoever asks first. */
  #current(): Phase {
    const phase = this.#phase
    if (phase.state !== 'open' || phase.held) return phase
    const now = this.#now()
    // A wall clock that was set back must not keep the circuit open for longer than the reset time.
    if (now < phase.openedAt) phase.openedAt = now
    if (now - phase.openedAt < this.#options.resetMs) return phase
    const { openedAt } = phase
    return this.#enter(
      { state: 'half_open', openedAt, successes: 0, probe: undefined },
      'time over',
    )
  }

  #retryAfterMs(phase: Phase): number {
    if (phase.state === 'closed') return 0
    if (phase.state === 'half_open') return this.#isProbing(phase.probe) ? PROBE_RETRY_AFTER_MS : 0
    const { resetMs } = this.#options
    return phase.held ? resetMs : phase.openedAt + resetMs - this.#now()
  }

  /** A probe that never comes back loses its place, or one lost promise would keep the circuit half-open for ever. */
  #isProbing(probe: Probe | undefined): boolean {
    if (probe === undefined) return false
    const age = this.#now() - probe.startedAt
    return age >= 0 && age < this.#options.resetMs
  }

  #admit(): Pass {
    this.check()
    const phase = this.#phase
    if (phase.state !== 'half_open') return { phase, probe: undefined }
    const probe = { startedAt: this.#now() }
    phase.probe = probe
    return { phase, probe }
  }

  #settle({ phase, probe }: Pass, verdict: Verdict): void {
    // Results of attempts admitted before the last transition are history: they neither open nor close anything.
    if (phase !== this.#phase) return
    if (phase.state === 'half_open') this.#settleProbe(phase, probe, verdict)
    else if (verdict === 'success') this.#failures = 0
    else if (verdict === 'failure') {
      this.#failures += 1
      if (this.#failures >= this.#options.failureThreshold) this.#trip('too many failures')
    }
  }

  #settleProbe(
    phase: Extract<Phase, { state: 'half_open' }>,
    probe: Probe | undefined,
    verdict: Verdict,
  ): void {
    if (phase.probe !== probe) return
    phase.probe = undefined
    if (verdict === 'failure') {
      this.#failures += 1
      this.#trip('probe failed')
    } else if (verdict === 'success') {
      phase.successes += 1
      if (phase.successes < this.#options.successThreshold) return
      this.#failures = 0
      this.#enter({ state: 'closed' }, 'probes succeeded')
    }
  }

  #trip(why: string): void {
    this.#enter({ state: 'open', openedAt: this.#now(), held: false }, why)
  }

  #enter(phase: Phase, why: string): Phase {
    const previous = this.#phase.state
    this.#phase = phase
    if (previous === phase.state) return phase
    const { name, log, onStateChange } = this.#options
    const fields = {
      context: 'CircuitBreaker',
      upstream: name,
      from: previous,
      to: phase.state,
      why,
      failures: this.#failures,
    }
    if (phase.state === 'open') log.warn(fields, 'circuit breaker changed its state')
    else log.info(fields, 'circuit breaker changed its state')
    onStateChange?.(phase.state, previous)
    return phase
  }

  #emit(verdict: Verdict, startedAt: number, reason: IFailureEvent['reason']): void {
    const duration = performance.now() - startedAt
    if (verdict === 'success') this.#succeeded.emit({ duration })
    else this.#failed.emit({ duration, handled: verdict === 'failure', reason })
  }
}
