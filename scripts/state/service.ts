import { setTimeout as pause } from 'node:timers/promises'
import type { Readable } from 'node:stream'
import { request } from 'undici'
import { refusalOf, toldBy, TransferFailed, type Refusal } from './refusal.ts'

/** A running state service. */
export interface ServiceAddress {
  /** Origin. */
  url: string
  apiKey: string
}

/** What came of a part that was sent: the answer's JSON, or why it was refused for good. */
export type Sent = { body: unknown } | { status: number; refusal: Refusal }

const NDJSON = 'application/x-ndjson'
/** A part that could not be brought there is brought again: what was stored of it is stored once. */
const ATTEMPTS = 6
const PAUSE_MS = 500
const LONGEST_PAUSE_MS = 15_000

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message || error.name : String(error)

function pauseOf(attempt: number, retryAfter: string | string[] | undefined): number {
  const asked = Number(retryAfter) * 1000
  const ours = PAUSE_MS * 2 ** (attempt - 1)
  return Math.min(LONGEST_PAUSE_MS, Number.isFinite(asked) ? Math.max(asked, ours) : ours)
}

/** The two requests of a transfer. */
export function createService({ url, apiKey }: ServiceAddress) {
  const headers = { 'x-api-key': apiKey }

  async function post(body: Buffer, query: URLSearchParams) {
    const answer = await request(`${url}/api/v1/import?${query.toString()}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': NDJSON },
      body,
    })
    return { ...answer, text: await answer.body.text() }
  }

  return {
    /** @throws TransferFailed it cannot be reached, or refuses */
    async export(entity: string | undefined): Promise<Readable> {
      const query = entity === undefined ? '' : `?${new URLSearchParams({ entity }).toString()}`
      const answer = await request(`${url}/api/v1/export${query}`, { headers }).catch(
        (error: unknown) => {
          throw new TransferFailed(`${url} cannot be reached: ${reasonOf(error)}`)
        },
      )
      if (answer.statusCode === 200) return answer.body
      const refusal = refusalOf(await answer.body.text())
      throw new TransferFailed(`The export is refused: ${toldBy(answer.statusCode, refusal)}`)
    },

    /** Brings a part there, again while the service is away or busy. @throws TransferFailed it stays away */
    async import(body: Buffer, query: URLSearchParams): Promise<Sent> {
      for (let attempt = 1; ; attempt += 1) {
        let why: string
        let retryAfter: string | string[] | undefined
        try {
          const { statusCode: status, headers: given, text } = await post(body, query)
          if (status === 200) return { body: JSON.parse(text) }
          const refusal = refusalOf(text)
          if (status < 500) return { status, refusal }
          why = toldBy(status, refusal)
          retryAfter = given['retry-after']
        } catch (error) {
          why = reasonOf(error)
        }
        if (attempt === ATTEMPTS) throw new TransferFailed(`${url} does not take it: ${why}`)
        await pause(pauseOf(attempt, retryAfter))
      }
    },
  }
}

export type Service = ReturnType<typeof createService>
