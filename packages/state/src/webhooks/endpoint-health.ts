/** An attempt as far as the health of its endpoint goes. */
export interface Observation {
  ok: boolean
  /** Epoch ms by the store's clock. */
  startedAt: number
  /** Of a failure. */
  error?: string
  /** 410: the endpoint says itself that it wants no more. */
  gone?: boolean
  /** A failure that the endpoint has no part in is not counted. */
  counts: boolean
}

export interface HealthRules {
  /** Failures in a row that deactivate. */
  maxFailures: number
  /** Failures that start closer together than this after the last counted one count once; 0: all count. */
  spacingMs: number
}

export interface Health {
  failures: number
  /** Start of the failure that was counted last. */
  countedAt: number | null
  lastError: string | null
  /** Why the subscription is to be deactivated. */
  disable?: string
}

/** What attempts make of the health of an endpoint. Ten failures at once are one outage, not ten. */
export function observe(
  before: Health,
  observations: readonly Observation[],
  { maxFailures, spacingMs }: HealthRules,
): Health {
  let { failures, countedAt, lastError } = before
  let disable: string | undefined
  for (const { ok, startedAt, error = null, gone, counts } of observations) {
    if (ok) {
      failures = 0
      countedAt = null
      lastError = null
      continue
    }
    lastError = error
    if (gone === true) disable ??= 'the endpoint answered 410 Gone'
    if (!counts) continue
    // Without a spacing the order of what was under way side by side does not matter.
    if (spacingMs > 0 && countedAt !== null && startedAt - countedAt < spacingMs) continue
    failures += 1
    countedAt = Math.max(startedAt, countedAt ?? startedAt)
    if (failures >= maxFailures) disable ??= `${failures} failed attempts in a row: ${error}`
  }
  return { failures, countedAt, lastError, ...(disable === undefined ? {} : { disable }) }
}
