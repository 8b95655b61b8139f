/**
 * A clock that stands still until it is moved: what is due at a moment happens at that moment of the store's, however
 * slow the machine. It is late by the time that a statement takes to get to its store.
 */
export function createStillClock() {
  let at = Date.now()
  return {
    /** To be added to the store's own clock. */
    offsetMs: (): number => at - Date.now(),
    /** Epoch ms. */
    now: (): number => at,
    /** @param ms epoch ms */
    moveTo: (ms: number): void => void (at = ms),
  }
}

export type StillClock = ReturnType<typeof createStillClock>
