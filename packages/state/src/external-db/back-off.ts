/** The first pause, milliseconds; each further one is twice as long. */
const BASE_MS = 1000
const LIMIT_MS = 60_000

/** Pause after the n-th failure in a row, n from 1: between half of it and all of it, so that not all come back at once. */
export function pauseMs(failures: number, random: () => number = Math.random): number {
  const whole = Math.min(LIMIT_MS, BASE_MS * 2 ** Math.min(failures - 1, 16))
  return Math.round(whole * (0.5 + random() / 2))
}
