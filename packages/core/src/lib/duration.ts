/** `ms` stands first: it also ends in `s`. */
const UNITS = [
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
] as const

/** What a duration setting looks like: `500ms`, `30s`, `15m`, `24h`, `7d`. */
export const DURATION_PATTERN = '^[1-9][0-9]{0,8}(ms|s|m|h|d)$'

/** `24h` → milliseconds. The text has been checked against {@link DURATION_PATTERN}. */
export function durationMs(text: string): number {
  const unit = UNITS.find(([suffix]) => text.endsWith(suffix))
  const amount = Number(text.slice(0, -(unit?.[0].length ?? 0)))
  if (unit === undefined || !Number.isInteger(amount))
    throw new RangeError(`Not a duration: ${text}`)
  return amount * unit[1]
}
