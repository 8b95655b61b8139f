import {
  bulkhead,
  DelegateBackoff,
  handleWhenResult,
  isBulkheadRejectedError,
  retry,
  type BulkheadPolicy,
  type RetryPolicy,
} from 'cockatiel'
import { jitteredDelayMs, retryAfterMs, type BackOff } from './back-off.ts'
import { PROBE_RETRY_AFTER_MS, type Circuit, type Verdict } from './circuit.ts'
import { Cut } from './cut.ts'
import { isUpstreamError, upstreamError, type UpstreamError } from './errors.ts'
import { toUpstreamFailure } from './failure.ts'
import type { Headers } from './headers.ts'
import type { HttpClientObserver } from './observer.ts'
import type { RetryBudget } from './retry-budget.ts'

/** The head of an answer. */
export interface Head {
  statusCode: number
  headers: Headers
}

/** One request of a caller, however often it is sent. */
export interface Call<T extends Head> {
  method: string
  /** Sending it twice does what sending it once does, and its body is still there. */
  isRepeatable: () => boolean
  /** For everything: reading the body, waiting, all tries and the waits between them. */
  deadlineMs: number
  /** Calls back when the caller is gone, at once when it is gone already; returns how to stop listening. */
  onCallerGone?: ((leave: () => void) => () => void) | undefined
  /** What must be done before the first try, on the caller's time. */
  prepare?: () => Promise<void>
  attempt: (cut: Cut, remainingMs: number) => Promise<T>
  /** Frees what an answer holds that nobody will read. */
  discard: (answer: T) => void
  /** The upstream cannot answer because the caller has not sent its body. */
  isStarved?: () => boolean
  /**
   * Nobody waits for it: it is tried once, goes only while the circuit is closed, and its failure says nothing to the
   * circuit. Who asks again every second of his own accord would open it for those who come when all is well.
   */
  isBackground?: boolean
}

export interface TriesOptions {
  name: string
  circuit: Circuit
  budget: RetryBudget
  maxRetries: number
  backOff: BackOff
  /** Attempts under way at a time, and callers that may wait for a place. */
  maxInFlight: number
  maxQueue: number
  observe: HttpClientObserver
}

type Result<T> = { answer: T } | { error: unknown }

interface Outcome<T> {
  result: Result<T>
  retryInMs?: number | undefined
}

interface Progress {
  /** At the deadline, and when the caller leaves. */
  cut: Cut
  endsAt: number
  step: 'preparing' | 'waiting' | 'under way'
}

const RETRIED_STATUSES = new Set([502, 503, 504])
const OVERLOAD_RETRY_AFTER_MS = 1000

/** What an answer says about the upstream: any below 500 shows that it works. */
export function verdictOfResult(result: unknown): Verdict {
  if (typeof result !== 'object' || result === null || !('statusCode' in result)) return 'neutral'
  return Number(result.statusCode) >= 500 ? 'failure' : 'success'
}

/** What an error says about the upstream: nothing, unless it is the upstream's own. */
export function verdictOfError(error: unknown): Verdict {
  const isFailure =
    isUpstreamError(error) &&
    (error.reason === 'upstream_unreachable' ||
      error.reason === 'upstream_timeout' ||
      error.reason === 'upstream_bad_response')
  return isFailure ? 'failure' : 'neutral'
}

/** Deadline, retries, bulkhead and circuit around attempts at one upstream. */
export class Tries {
  readonly #options: TriesOptions
  readonly #bulkhead: BulkheadPolicy
  readonly #retry: RetryPolicy

  constructor(options: TriesOptions) {
    this.#options = options
    this.#bulkhead = bulkhead(options.maxInFlight, options.maxQueue)
    this.#retry = retry(handleWhenResult(hasRetry), {
      maxAttempts: options.maxRetries,
      backoff: new DelegateBackoff(({ result }) =>
        'value' in result && hasRetry(result.value) ? result.value.retryInMs : 0,
      ),
    })
  }

  /** The answer of the last try, whatever its status, or an `UpstreamError`. */
  run<T extends Head>(call: Call<T>): Promise<T> {
    const { name, budget, observe } = this.#options
    budget.countRequest()
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer)
        stopListening?.()
      }
      const fail = (error: unknown): void => {
        stop()
        // Who was told already is told once.
        if (isSettled) return
        isSettled = true
        if (isUpstreamError(error)) observe.failure?.({ upstream: name, reason: error.reason })
        reject(error)
      }
      const succeed = (answer: T): void => {
        stop()
        isSettled = true
        resolve(answer)
      }
      let isSettled = false
      let stopListening: (() => void) | undefined
      const cut = new Cut(fail)
      const endsAt = performance.now() + call.deadlineMs
      const progress: Progress = { cut, endsAt, step: 'preparing' }
      // The reason is made at that moment: later the traces are gone.
      const timer = setTimeout(() => cut.abort(this.#lateness(call, progress)), call.deadlineMs)
      const leave = () => cut.abort(upstreamError('client_abort', name))
      stopListening = call.onCallerGone?.(leave)
      this.#tryAll(call, progress).then(succeed, fail)
    })
  }

  async #tryAll<T extends Head>(call: Call<T>, progress: Progress): Promise<T> {
    if (call.prepare !== undefined) await call.prepare()
    progress.step = 'waiting'
    // Nearly all calls end here: the machinery of retries is only set going for those that need it.
    const first = await this.#tryOnce(call, progress, 0)
    const { result } = hasRetry(first)
      ? await this.#retry.execute(({ attempt }) =>
          attempt === 0 ? first : this.#tryOnce(call, progress, attempt),
        )
      : first
    if ('error' in result) throw result.error
    return result.answer
  }

  async #tryOnce<T extends Head>(call: Call<T>, progress: Progress, retries: number) {
    const { circuit } = this.#options
    let result: Result<T>
    try {
      if (progress.cut.aborted) throw progress.cut.reason
      // Asked before the queue too: an open circuit must not make anybody wait.
      circuit.check()
      if (call.isBackground === true && circuit.state !== 'closed') throw this.#probing()
      // The circuit stands behind the queue: who waited while it opened must not get through.
      const attempt = () => this.#attempt(call, progress)
      const watched = call.isBackground === true ? attempt : () => circuit.execute(attempt)
      // No signal goes in: cockatiel's bulkhead loses its place when it dequeues a call that was aborted.
      result = { answer: await this.#bulkhead.execute(watched) }
    } catch (error) {
      result = { error: this.#refusalOr(error) }
    }
    const outcome: Outcome<T> = { result, retryInMs: undefined }
    outcome.retryInMs = this.#wait(outcome, call, progress, retries)
    if (outcome.retryInMs !== undefined && 'answer' in outcome.result) {
      call.discard(outcome.result.answer)
    }
    return outcome
  }

  /** A half-open circuit is for probes. */
  #probing(): UpstreamError {
    return upstreamError('breaker_open', this.#options.name, { retryAfterMs: PROBE_RETRY_AFTER_MS })
  }

  /** What the bulkhead says when it is full, as ours. */
  #refusalOr(error: unknown): unknown {
    if (!isBulkheadRejectedError(error)) return error
    const details = { cause: error, retryAfterMs: OVERLOAD_RETRY_AFTER_MS }
    return upstreamError('overloaded', this.#options.name, details)
  }

  /** One attempt as the circuit sees it: an answer, or an error that says whose fault it was. */
  async #attempt<T extends Head>(call: Call<T>, progress: Progress): Promise<T> {
    const { name, observe } = this.#options
    const { method } = call
    if (progress.cut.aborted) throw progress.cut.reason
    progress.step = 'under way'
    const startedAt = performance.now()
    try {
      const remainingMs = Math.max(1, Math.ceil(progress.endsAt - startedAt))
      const answer = await call.attempt(progress.cut, remainingMs)
      const durationMs = performance.now() - startedAt
      const status = answer.statusCode
      // Written out, both times alike: what is put together of parts cost more than all else here.
      observe.attempt?.({ upstream: name, method, status, reason: undefined, durationMs })
      return answer
    } catch (cause) {
      const error = progress.cut.reason ?? toUpstreamFailure(cause, name)
      const reason = isUpstreamError(error) ? error.reason : 'internal'
      const durationMs = performance.now() - startedAt
      observe.attempt?.({ upstream: name, method, status: undefined, reason, durationMs })
      throw error
    } finally {
      progress.step = 'waiting'
    }
  }

  /** How long to wait before the next try, or undefined when this outcome is what the caller gets. */
  #wait<T extends Head>(
    outcome: Outcome<T>,
    call: Call<T>,
    progress: Progress,
    retries: number,
  ): number | undefined {
    const { name, circuit, budget, maxRetries, backOff, observe } = this.#options
    const { result } = outcome
    if (!isTransient(result) || retries >= maxRetries) return undefined
    if (progress.cut.aborted || !call.isRepeatable() || call.isBackground === true) return undefined
    // A retry would only meet the open circuit, and its error hide the one that the caller should see.
    if (circuit.state !== 'closed') return undefined

    const asked = 'answer' in result ? retryAfterMs(result.answer.headers['retry-after']) : 0
    const delayMs = Math.max(jitteredDelayMs(retries, backOff), asked ?? 0)
    if (performance.now() + delayMs >= progress.endsAt) return undefined
    if (budget.take()) {
      observe.retry?.({ upstream: name, method: call.method, delayMs })
      return delayMs
    }
    observe.retryDenied?.({ upstream: name, method: call.method })
    if ('error' in result) {
      const details = { cause: result.error, retryAfterMs: OVERLOAD_RETRY_AFTER_MS }
      outcome.result = { error: upstreamError('retry_budget_exhausted', name, details) }
    }
    return undefined
  }

  /** The error of a call whose time is over now: whose fault depends on what it was waiting for. */
  #lateness<T extends Head>(call: Call<T>, { step }: Progress): UpstreamError {
    const { name } = this.#options
    if (step === 'preparing' || call.isStarved?.() === true) {
      return upstreamError('client_too_slow', name)
    }
    if (step === 'under way') return upstreamError('upstream_timeout', name)
    return upstreamError('overloaded', name, { retryAfterMs: OVERLOAD_RETRY_AFTER_MS })
  }
}

function isTransient(result: Result<Head>): boolean {
  if ('answer' in result) return RETRIED_STATUSES.has(result.answer.statusCode)
  return isUpstreamError(result.error) && result.error.reason === 'upstream_unreachable'
}

function hasRetry(value: unknown): value is { retryInMs: number } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'retryInMs' in value &&
    typeof value.retryInMs === 'number'
  )
}
