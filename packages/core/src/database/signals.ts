/**
 * Tells the other processes over the same database that there is something to look at. Only a hint: it may be lost,
 * come late or come twice, so that whoever listens also polls.
 */
export interface Signals {
  /** Tells all other processes, soon: what is raised within 100 ms goes out once. Call it after the commit. */
  raise(name: string): void
  /** Calls `listener` when another process raised the name, or may have while nobody listened. @returns how to stop */
  on(name: string, listener: () => void): () => void
}

/** One process a file: there is nobody to tell. */
export const noSignals: Signals = {
  raise: () => {},
  on: () => () => {},
}
