/**
 * Pino's `timestamp`: ISO 8601 in UTC, to the millisecond. What does not change within a second is made once a second.
 * @param now epoch milliseconds
 */
export function createTimestamp(now: () => number): () => string {
  let second = Number.NaN
  let untilSecond = ''
  return () => {
    const ms = now()
    const current = Math.floor(ms / 1000)
    if (current !== second) {
      second = current
      untilSecond = `,"timestamp":"${new Date(current * 1000).toISOString().slice(0, -4)}`
    }
    return `${untilSecond}${String(ms - current * 1000).padStart(3, '0')}Z"`
  }
}
