import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'

export interface TrafficOptions {
  /** Where the balancer listens. */
  url: string
  authorization: string
  gets: number
  posts: number
}

export interface Traffic {
  sent: number
  /** Ids of tasks whose making was acknowledged. */
  made: string[]
  /** Requests that were not answered as they must be, in words. */
  faults: string[]
}

/** Far beyond what a request may take, so that nothing hangs for ever unseen. */
const PATIENCE_MS = 30_000
const TICK_MS = 20

/** Sends so many GETs and keyed POSTs a second, whether the ones before were answered or not, until it is stopped. */
export function startTraffic({ url, authorization, gets, posts }: TrafficOptions) {
  const traffic: Traffic = { sent: 0, made: [], faults: [] }
  const dispatcher = new Agent({ connections: 64 })
  const under = new Set<Promise<void>>()
  const stopping = new AbortController()

  async function send(method: 'GET' | 'POST', wanted: number): Promise<void> {
    const entityId = `edge-${randomUUID()}`
    const write = {
      headers: { authorization, 'content-type': 'application/json', 'idempotency-key': entityId },
      body: JSON.stringify({ entityId, metadata: { title: 'Задача' } }),
    }
    traffic.sent += 1
    try {
      const answer = await request(
        `${url}/api/v1/states/task${method === 'GET' ? '?limit=1' : ''}`,
        {
          method,
          dispatcher,
          headersTimeout: PATIENCE_MS,
          bodyTimeout: PATIENCE_MS,
          ...(method === 'POST' ? write : { headers: { authorization } }),
        },
      )
      const text = await answer.body.text()
      if (answer.statusCode !== wanted) {
        traffic.faults.push(`${method} was answered ${answer.statusCode}: ${text.slice(0, 200)}`)
      } else if (method === 'POST') traffic.made.push(entityId)
    } catch (error) {
      traffic.faults.push(`${method} was not answered: ${String(error)}`)
    }
  }

  const begin = (method: 'GET' | 'POST', wanted: number): void => {
    const one: Promise<void> = send(method, wanted).finally(() => under.delete(one))
    under.add(one)
  }

  async function run(): Promise<void> {
    const startedAt = performance.now()
    const sent = { GET: 0, POST: 0 }
    while (!stopping.signal.aborted) {
      const seconds = (performance.now() - startedAt) / 1000
      for (; sent.GET < seconds * gets; sent.GET += 1) begin('GET', 200)
      for (; sent.POST < seconds * posts; sent.POST += 1) begin('POST', 201)
      await pause(TICK_MS)
    }
  }

  const running = run()
  return {
    traffic,
    /** How many are not answered yet: more and more of them where the machine is too slow for the rate. */
    waiting: (): number => under.size,
    /** Resolves when everything that was sent was answered. */
    stop: async (): Promise<Traffic> => {
      stopping.abort()
      await running
      await Promise.all(under)
      await dispatcher.close()
      return traffic
    },
  }
}
