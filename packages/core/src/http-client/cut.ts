import { EventEmitter } from 'node:events'
import type { UpstreamError } from './errors.ts'

/**
 * Ends a call before its time, with the reason. undici takes it for an `AbortSignal`, of which an `EventEmitter` costs a
 * fraction: with cockatiel's time-out, which derives one per call, a proxied request took twice the CPU.
 */
export class Cut extends EventEmitter {
  reason: UpstreamError | undefined

  get aborted(): boolean {
    return this.reason !== undefined
  }

  /** The first reason counts. */
  abort(reason: UpstreamError): void {
    if (this.aborted) return
    this.reason = reason
    this.emit('abort')
  }

  /** The promise's outcome, or the reason at once when it is cut. */
  race<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.once('abort', () => reject(this.reason))
      promise.then(resolve, reject)
    })
  }
}
