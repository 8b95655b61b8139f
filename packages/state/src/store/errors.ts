import createError from '@fastify/error'

/** A long read used up its time. The plugin that asked knows what to advise. */
export class ReadTooLong extends Error {
  readonly code = 'STORE_READ_TOO_LONG'
}

const ReadsBusy = createError(
  'STORE_READS_BUSY',
  'Too many long queries run already; try again in a moment',
  503,
)

/** 503: all places for long reads are taken, and those for waiting too. */
export const readsBusy = (): Error => Object.assign(new ReadsBusy(), { retryAfterSeconds: 1 })
