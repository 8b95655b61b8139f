import type { TSchema } from '@sinclair/typebox'
import type { QueueOptions } from './queue-options.ts'

const DAY_MS = 86_400_000
/** The longest pause after an error thrown by `work`. */
const ERROR_DELAY_LIMIT_MS = 60_000

/** Places of which both direct jobs and rows can have some at all times. */
const LEAST_TO_SHARE = 4

/** Every bound of a queue, with the value it has when nobody says otherwise. */
export function withDefaults<Tables, Payload extends TSchema, Result>(
  options: QueueOptions<Tables, Payload, Result>,
) {
  const concurrency = options.concurrency ?? 16
  return {
    ...options,
    concurrency,
    leaseMs: options.leaseMs ?? 60_000,
    maxLeases: options.maxLeases ?? 5,
    laneLimit: options.laneLimit ?? (() => concurrency),
    pollMs: options.pollMs ?? 500,
    batch: options.batch ?? 100,
    // Fewer places could not be shared between direct jobs and rows.
    directLimit: concurrency < LEAST_TO_SHARE ? 0 : (options.directLimit ?? 0),
    lanesAClaim: options.lanesAClaim ?? 64,
    lanesSeen: options.lanesSeen ?? 2048,
    gatherMs: options.gatherMs ?? 0,
    retryYieldMs: options.retryYieldMs ?? 30_000,
    errorDelayMs:
      options.errorDelayMs ??
      ((attempt: number) => Math.min(ERROR_DELAY_LIMIT_MS, 1000 * 2 ** Math.min(attempt - 1, 16))),
    dedupeMs: Math.max(DAY_MS, options.dedupeMs ?? DAY_MS),
    deadRetentionMs: options.deadRetentionMs ?? 30 * DAY_MS,
    purgeMs: options.purgeMs ?? 60_000,
    closeMs: options.closeMs ?? 5000,
  }
}

/** The options of a queue, all bounds named. */
export type QueueSettings<Tables, Payload extends TSchema, Result> = ReturnType<
  typeof withDefaults<Tables, Payload, Result>
>
