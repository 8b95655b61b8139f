import type { FastifyBaseLogger } from 'fastify'
import type { UpstreamName } from '../upstreams/index.ts'
import type { ApiDocument } from './schemas.ts'

/** What is known of a service's document. */
export interface Found {
  name: UpstreamName
  /** The last one that was read; undefined: none ever was. */
  document: ApiDocument | undefined
  /** Epoch milliseconds of that reading. */
  readAt: number | undefined
  /** The last attempt to read it succeeded. */
  isCurrent: boolean
}

export interface SourceOptions {
  name: UpstreamName
  /** Rejects when the service does not answer with a document. */
  read: () => Promise<ApiDocument>
  /** How long a document is taken as current, milliseconds. */
  ttlMs: number
  /** Epoch milliseconds. */
  now: () => number
  log: Pick<FastifyBaseLogger, 'info' | 'warn'>
}

/** The document of one service: read when it is asked for and too old; while it cannot be read, the last good one. */
export function createSource({ name, read, ttlMs, now, log }: SourceOptions) {
  let found: Found = { name, document: undefined, readAt: undefined, isCurrent: false }
  let reading: Promise<void> | undefined
  let isFailing = false

  async function renew(): Promise<void> {
    try {
      found = { name, document: await read(), readAt: now(), isCurrent: true }
      if (isFailing) log.info({ service: name }, 'the document of a service is there again')
      isFailing = false
    } catch (error) {
      found = { ...found, isCurrent: false }
      // Once, not at every asking: the document itself tells it.
      if (!isFailing) {
        log.warn({ service: name, err: error }, 'the document of a service could not be read')
      }
      isFailing = true
    }
  }

  return async (): Promise<Found> => {
    const isFresh = found.isCurrent && found.readAt !== undefined && now() - found.readAt < ttlMs
    if (!isFresh) {
      // Anybody may ask: those who ask at once share one reading.
      reading ??= renew().finally(() => (reading = undefined))
      await reading
    }
    return found
  }
}
