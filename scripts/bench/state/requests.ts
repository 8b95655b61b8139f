import { performance } from 'node:perf_hooks'
import type { Pool } from 'undici'

export const KEY = { 'x-api-key': 'gateway-service-key' }

export interface Answer {
  status: number
  text: string
  /** From sending to the last byte. */
  ms: number
}

/** One request, timed. */
export async function ask(
  pool: Pool,
  path: string,
  options: { body?: object; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { body, headers } = options
  const sentAt = performance.now()
  const answer = await pool.request({
    path: `/api/v1/${path}`,
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...KEY,
      ...headers,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await answer.body.text()
  return { status: answer.statusCode, text, ms: performance.now() - sentAt }
}

/** Like {@link ask}. @throws when it is refused: that measures nothing */
export async function askWell(...given: Parameters<typeof ask>): Promise<Answer> {
  const answer = await ask(...given)
  if (answer.status < 300) return answer
  throw new Error(`${given[1]}: ${answer.status} ${answer.text.slice(0, 300)}`)
}
