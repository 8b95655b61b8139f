import createError from '@fastify/error'

export const QuietHoursEmpty = createError<[time: string]>(
  'SETTINGS_QUIET_HOURS_EMPTY',
  'Quiet hours from %s to the same minute are none and all day at once; leave them out, or turn notifications off',
  422,
)
