import { expect } from 'vitest'

/** Polls until the matcher is content; machines that build at the same time are slow. */
export const eventually = <T>(look: () => T) =>
  // oxlint-disable-next-line vitest/require-awaited-expect-poll -- its callers await it
  expect.poll(look, { timeout: 15_000, interval: 20 })
