/** Names of what changes: `task`, `task/task_1`. */
export type Tag = string

interface Purge {
  /** Counts the purges of this process. */
  at: number
  /** Position in the event log. */
  position: bigint
}

/**
 * When what changed last. An answer is good when it was asked for after the last change of anything that it is about: so an
 * answer that was under way while the change came is not taken for a new one, wherever it was kept.
 * @param limit tags remembered; of those forgotten everything older than the change counts as changed
 */
export function createPurges(limit: number) {
  const last = new Map<Tag, Purge>()
  let floor: Purge = { at: 0, position: -1n }
  let now = 0
  let log: { epoch: string; position: bigint } | undefined

  function forgetOldest(): void {
    const [oldest] = last
    if (oldest === undefined) return
    const [tag, { at, position }] = oldest
    last.delete(tag)
    floor = {
      at: Math.max(floor.at, at),
      position: position > floor.position ? position : floor.position,
    }
  }

  function purge(tags: readonly Tag[], position: bigint): void {
    now += 1
    for (const tag of tags) {
      last.delete(tag)
      last.set(tag, { at: now, position })
      if (last.size > limit) forgetOldest()
    }
  }

  function sinceAll(tags: readonly Tag[], of: (purge: Purge) => boolean): boolean {
    return of(floor) && tags.every((tag) => of(last.get(tag) ?? floor))
  }

  return {
    /** The moment for an answer that is asked for now. */
    now: () => now,
    /** Where this replica stands in the event log; undefined before the first contact. */
    place: () => log,
    /** The log told of a change. */
    changed(tags: readonly Tag[], cursor: string): void {
      log = placeOf(cursor)
      purge(tags, log.position)
    },
    /** Somebody changed it through us; the log will tell of it at the next position at the earliest. */
    changedHere: (tags: readonly Tag[]): void => purge(tags, (log?.position ?? -1n) + 1n),
    /** Everything may have changed. */
    everything(cursor: string | undefined): void {
      if (cursor !== undefined) log = placeOf(cursor)
      now += 1
      last.clear()
      floor = { at: now, position: log?.position ?? -1n }
    },
    /** Nothing of this changed since that moment of this process. */
    isCurrent: (tags: readonly Tag[], askedAt: number): boolean =>
      sinceAll(tags, ({ at }) => at <= askedAt),
    /** The same for what any replica asked for, by where it stood in the log. */
    isCurrentAt: (tags: readonly Tag[], epoch: string, position: bigint): boolean =>
      log?.epoch === epoch && sinceAll(tags, (known) => known.position <= position),
  }
}

export type Purges = ReturnType<typeof createPurges>

function placeOf(cursor: string): { epoch: string; position: bigint } {
  const dot = cursor.lastIndexOf('.')
  return { epoch: cursor.slice(0, dot), position: BigInt(cursor.slice(dot + 1)) }
}
