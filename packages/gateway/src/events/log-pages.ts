import { request, type Dispatcher } from 'undici'
import type { ItemReader } from './items.ts'

export interface LogPagesOptions {
  /** Origin of the state service. */
  origin: string
  apiKey: string
  dispatcher: Dispatcher
  reader: ItemReader
  /** Aborts what is under way. */
  signal: AbortSignal
}

export type LogPage = ReturnType<ItemReader['page']>

const PAGE_SIZE = 500
const REQUEST_TIMEOUT_MS = 5000

/**
 * Reads the event log page by page; a page may be shorter than asked for although more follows. Not through the circuit
 * of the proxied requests: that one may stay open for a minute after the state service is back, and who comes back must
 * not wait for it.
 */
export function createLogPages({ origin, apiKey, dispatcher, reader, signal }: LogPagesOptions) {
  /**
   * @returns undefined when the cursor cannot be continued
   * @throws when the state service does not answer
   */
  return async (after: string): Promise<LogPage | undefined> => {
    const { statusCode, body } = await request(`${origin}/api/v1/events`, {
      dispatcher,
      query: { after, limit: PAGE_SIZE },
      headers: { accept: 'application/json', 'x-api-key': apiKey },
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    })
    if (statusCode === 200) return reader.page(await body.json())
    await body.dump()
    if (statusCode === 410) return undefined
    throw new Error(`the event log answered ${statusCode}`)
  }
}
