import { EventEmitter } from 'node:events'
import type { UpstreamError } from './errors.ts'

/**
 * Ends a call before its time, with the reason. undici takes it for an `AbortSignal`, of which an `EventEmitter` costs a
 * fraction: with cockatiel's time-out, which derives one per call, a proxied request took twice the CPU.
 */
export class Cut extends EventEmitter {
  reason: UpstreamError | undefined
  readonly #end: (reason: UpstreamError) => void
  #breakOff: ((reason: UpstreamError) => void) | undefined

  /** @param end is told of the end, before those who listen for `abort` */
  constructor(end: (reason: UpstreamError) => void) {
    super()
    this.#end = end
  }

  get aborted(): boolean {
    return this.reason !== undefined
  }

  /** The first reason counts. */
  abort(reason: UpstreamError): void {
    if (this.aborted) return
    this.reason = reason
    this.#end(reason)
    this.#breakOff?.(reason)
    this.emit('abort')
  }

  /** Says how to break off the attempt under way; there is one at a time, and listening for `abort` would cost more. */
  onAttempt(breakOff: (reason: UpstreamError) => void): void {
    this.#breakOff = breakOff
  }
}
