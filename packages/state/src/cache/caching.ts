import type { IncomingHttpHeaders } from 'node:http'
import { acceptedAgeMs, wantsStore } from './cache-request.ts'
import type { ListCache } from './list-cache.ts'
import type { Found, Loaded, StateCache, Written } from './state-cache.ts'

/** A list as its caller asked for it. */
export interface ListRequest {
  entity: string
  /** What is asked; its text is equal for equal questions. */
  question: object
  headers: IncomingHttpHeaders
}

/** A list; `level` is undefined for callers who did not ask for a kept one. */
export interface ListAnswer {
  body: string
  level?: Found['level']
}

export type Caching = ReturnType<typeof createCaching>

/** The cache as requests and writes see it. */
export function createCaching(cache: StateCache, lists: ListCache) {
  return {
    /**
     * One state. Callers who send a condition or `Cache-Control: no-cache` get it from the store.
     * @throws what `load` throws
     */
    find(
      place: { entity: string; id: string },
      headers: IncomingHttpHeaders,
      load: () => Promise<Loaded>,
    ): Promise<Found> {
      const { entity, id } = place
      return wantsStore(headers) ? cache.fetch(entity, id, load) : cache.find(entity, id, load)
    },

    /** A list; kept ones only for callers who send `Cache-Control: max-age=<n>`. @throws what `load` throws */
    async list(request: ListRequest, load: () => Promise<string>): Promise<ListAnswer> {
      const { entity, question, headers } = request
      const ageMs = acceptedAgeMs(headers)
      if (ageMs === undefined) return { body: await load() }
      return lists.find({ entity, text: JSON.stringify(question), acceptedAgeMs: ageMs }, load)
    },

    /** To be called after the commit: from then on nobody in this process is given what was before. */
    written(changes: readonly Written[]): void {
      const changed = changes.filter(({ touched }) => !touched).map(({ entity }) => entity)
      cache.written(changes, lists.changed(changed))
    },

    /** Others wrote these versions. */
    noticed(changes: readonly { entity: string; id: string; version: number }[]): void {
      lists.changed(changes.map(({ entity }) => entity))
      cache.noticed(changes)
    },

    /** The store is another one than it was: nothing that was read before holds. */
    reset(): void {
      lists.reset()
      cache.reset()
    },
  }
}
