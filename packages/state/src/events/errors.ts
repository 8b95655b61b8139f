import createError from '@fastify/error'

/** The cursor cannot be continued. `reason` of the problem says why, `cursor` is the present end of the log. */
export const CursorReset = createError<[reason: string]>(
  'EVENTS_CURSOR_RESET',
  'Reading cannot go on from this cursor (%s): reload, and go on from the cursor given here',
  410,
)

/** As many readers as `STREAM_MAX_CLIENTS` allows follow the stream already. */
export const StreamFull = createError<[limit: number]>(
  'EVENTS_STREAM_FULL',
  '%d readers follow the stream already',
  503,
)
