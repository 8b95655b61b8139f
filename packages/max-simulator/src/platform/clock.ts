/**
 * The platform's clock. Timestamps are real; durations that the platform imposes (webhook retries, the eight hours,
 * the age of an editable message) run `scale` times faster. What a bot paces itself by, rate limits and the long
 * poll, stays real: a bot cannot know of the scale.
 */
export interface Clock {
  readonly scale: number
  /** Unix milliseconds. */
  now(): number
  /** Platform milliseconds since a real moment. */
  age(since: number): number
  /** Real milliseconds that a platform duration takes. */
  real(platformMs: number): number
}

export function createClock(scale = 1, now: () => number = () => Date.now()): Clock {
  return {
    scale,
    now,
    age: (since) => (now() - since) * scale,
    real: (platformMs) => platformMs / scale,
  }
}
