import { TimeZoneUnknown } from './errors.ts'

/** @throws TimeZoneUnknown when the running ICU has no such time zone */
export function checkTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone }).format(0)
  } catch (error) {
    throw Object.assign(new TimeZoneUnknown(timeZone), { cause: error })
  }
}
