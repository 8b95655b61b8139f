/** What a cache holds under one key. */
export interface Entry {
  /** Its place in the order of {@link bodyStamp}, {@link floorStamp} and {@link voidStamp}: only what is not older replaces it. */
  stamp: number
  /** Of the state. */
  version: number
  /** The state as JSON text; undefined: ask the store, and take nothing with a smaller stamp from anywhere. */
  body: string | undefined
}

/**
 * Caches are filled by readers that may be slow, and told about writes in any order; with one order over everything that
 * may stand under a key, the newest wins whoever comes last. Around the body of a version there is room for "nothing older
 * than this version" and for "this version is not what it was": its expiry moved, which makes no version.
 */
export const floorStamp = (version: number): number => 4 * version + 1
export const bodyStamp = (version: number): number => 4 * version + 2
export const voidStamp = (version: number): number => 4 * version + 3

/** The version that a stamp belongs to. */
export const rankOf = (stamp: number): number => Math.floor(stamp / 4)

/** Of what was read from another service: older than everything that is written here. */
export const FOREIGN_STAMP = bodyStamp(0)

/** No version before this one. */
export const floorOf = (version: number): Entry => ({
  stamp: floorStamp(version),
  version,
  body: undefined,
})
