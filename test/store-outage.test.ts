import { expect, onTestFinished, test, vi } from 'vitest'
import type { State } from '@potok/contracts/state'
import { postgresService } from '@potok/core/testing/postgres-server'
import { describeService } from '@potok/core/testing/services'
import { call } from '../scripts/system/api.ts'
import { startReplicas } from '../scripts/torture/replicas.ts'

const headers = { 'x-api-key': 'gateway-service-key' }
const WRITERS = 16

/** Writers that go on whatever they are answered. */
function load(urls: readonly string[]) {
  const acknowledged: string[] = []
  const refused: { status: number; retryAfter: string | null }[] = []
  const ended = new AbortController()
  let next = 0
  async function writer(n: number): Promise<void> {
    const url = `${urls[n % urls.length]}/api/v1/states/task`
    while (!ended.signal.aborted) {
      next += 1
      const entityId = `t${next}`
      const answer = await call(url, { method: 'POST', headers, json: { entityId } })
      if (answer.status === 201) acknowledged.push(entityId)
      else {
        const retryAfter = answer.headers.get('retry-after')
        refused.push({ status: answer.status, retryAfter })
      }
    }
  }
  const writers = Array.from({ length: WRITERS }, (_, n) => writer(n))
  return {
    acknowledged,
    refused,
    async stop(): Promise<void> {
      ended.abort()
      await Promise.all(writers)
    },
  }
}

describeService(postgresService, 'the database of two state services under load', () => {
  test('shut down and killed: 503 with Retry-After meanwhile, afterwards as before, nothing is lost', async () => {
    const replicas = await startReplicas('postgres')
    onTestFinished(() => replicas.stop())
    const { postgres, urls } = replicas
    const { acknowledged, refused, ...writers } = load(urls)
    const writes = (more: number): Promise<void> => {
      const wanted = acknowledged.length + more
      return vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(wanted), 30_000)
    }
    const refuses = (): Promise<void> => {
      const wanted = refused.length + WRITERS
      return vi.waitFor(() => expect(refused.length).toBeGreaterThan(wanted), 30_000)
    }
    try {
      for (const end of ['shutDown', 'kill'] as const) {
        await writes(50)
        await postgres?.[end]()
        await refuses()
        await postgres?.start()
      }
      await writes(50)
    } finally {
      await writers.stop()
    }

    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([503]))
    expect(refused.filter(({ retryAfter }) => !/^[1-9]\d*$/u.test(retryAfter ?? ''))).toEqual([])
    const lost: string[] = []
    for (const id of acknowledged) {
      const url = `${urls[1] ?? urls[0]}/api/v1/states/task/${id}`
      const fresh = { ...headers, 'cache-control': 'no-cache' }
      const { status, body } = await call<State>(url, { headers: fresh })
      if (status !== 200 || body.version !== 1) lost.push(id)
    }
    expect(lost).toEqual([])
  })
})
