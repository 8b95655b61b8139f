/** What an answer of the external DB means for the entity that was sent. */
export type Verdict =
  | { kind: 'taken' }
  /** It has a newer version already, or the delete found nothing: both are as we want it. */
  | { kind: 'outdated' }
  /** Later. `everything`: the reason is not this entity, the others would fare no better. */
  | { kind: 'later'; everything: boolean; retryAfterMs: number }
  /** Never, as it is. */
  | { kind: 'refused'; status: number; detail: string }

/** 4xx that say nothing about the entity: our key, our pace, their time. */
const NOT_ITS_FAULT = new Set([401, 408, 425, 429])
/** 5xx of a service that is not there, rather than of one that trips over this document. */
const AWAY = new Set([502, 503, 504])

const DETAIL_LIMIT = 500
const RETRY_AFTER_LIMIT_S = 60

function retryAfterMs(header: string | undefined): number {
  const seconds = Number(header ?? 0)
  return Number.isFinite(seconds) ? Math.min(Math.max(0, seconds), RETRY_AFTER_LIMIT_S) * 1000 : 0
}

export function verdictOf(
  method: 'PUT' | 'DELETE',
  answer: { status: number; retryAfter: string | undefined; text: string },
): Verdict {
  const { status, retryAfter, text } = answer
  if (status >= 200 && status < 300) return { kind: 'taken' }
  // We send no condition but the version itself.
  if (status === 412 || (method === 'DELETE' && status === 404)) return { kind: 'outdated' }
  if (status >= 500 || NOT_ITS_FAULT.has(status)) {
    const everything = AWAY.has(status) || NOT_ITS_FAULT.has(status)
    return { kind: 'later', everything, retryAfterMs: retryAfterMs(retryAfter) }
  }
  return { kind: 'refused', status, detail: text.slice(0, DETAIL_LIMIT) }
}
