import { setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'undici'
import type { RedisServer } from '@potok/core/testing/redis-server'
import { call, login } from '../../system/api.ts'
import { startPrivateSystem } from '../../system/private-system.ts'
import { run } from '../requests/load.ts'
import { median, rounded } from '../statistics.ts'
import type { BenchOptions, SuiteResult } from '../suite.ts'
import { openLoop, type OpenSample } from './open-loop.ts'
import { gatewayEnv, type Edge } from './subjects.ts'

interface Fault {
  begin: (redis: RedisServer) => unknown
  end: (redis: RedisServer) => unknown
}

const nothing = (): void => {}

/** What happens to Redis in the second quarter of a round and is over in the last. */
const FAULTS: Record<string, Fault> = {
  'no fault': { begin: nothing, end: nothing },
  stopped: { begin: ({ pid }) => process.kill(pid, 'SIGTERM'), end: (redis) => redis.restart() },
  killed: { begin: (redis) => redis.kill(), end: (redis) => redis.start() },
  frozen: { begin: (redis) => redis.pause(), end: (redis) => redis.resume() },
}

const PATH = '/api/v1/tasks/task_1'
const PART_OF_CAPACITY = 0.3
const CONNECTIONS = 32
/** In a window that is longer than all of this takes. */
const LIMIT = 100
const SENT = 150
const BACK_WITHIN_MS = 30_000

/** Waits until the gateway has its Redis again: the next fault must find it so. */
async function untilUp(url: string): Promise<void> {
  const deadline = performance.now() + BACK_WITHIN_MS
  const isUp = async (): Promise<boolean> => {
    const health = await call<{ info: { redis: { status: string } } }>(`${url}/api/v1/health`)
    return health.body.info.redis.status === 'up'
  }
  while (!(await isUp())) {
    if (performance.now() > deadline) throw new Error('The gateway did not find Redis again')
    await pause(50)
  }
  // It rests for a second after a deadline was missed.
  await pause(1500)
}

/** One round of requests at fixed times, in the midst of which Redis is gone for half of the time. */
async function throughFault(
  { gateway, token }: Edge,
  redis: RedisServer,
  { fault, perSecond, durationMs }: { fault: Fault; perSecond: number; durationMs: number },
): Promise<OpenSample> {
  const headers = { authorization: `Bearer ${token}` }
  const under = openLoop({ origin: gateway.url, path: PATH, headers, perSecond, durationMs })
  await pause(durationMs / 4)
  await fault.begin(redis)
  await pause(durationMs / 2)
  await fault.end(redis)
  const sample = await under
  await untilUp(gateway.url)
  return sample
}

/** How many of {@link SENT} requests a gateway lets through that allows {@link LIMIT}, of one address, by fault. */
async function letThrough({ upstream }: Edge, redis: RedisServer): Promise<Record<string, number>> {
  const system = await startPrivateSystem({
    env: {
      ...gatewayEnv(upstream.url, redis.port),
      THROTTLE_LIMIT: String(LIMIT),
      // The other gateway has counted this address far beyond the limit.
      REDIS_KEY_PREFIX: 'limited:',
    },
    only: ['admin', 'state', 'gateway'],
  })
  const url = system.url('gateway')
  const passed: Record<string, number> = {}
  try {
    const { authorization } = await login(url)
    for (const [index, [name, fault]] of Object.entries(FAULTS).entries()) {
      await untilUp(url)
      // Each from an address of its own, which nobody has counted yet.
      const pool = new Pool(url, { localAddress: `127.0.1.${index + 1}`, connections: CONNECTIONS })
      await fault.begin(redis)
      const statuses = await Promise.all(
        Array.from({ length: SENT }, async () => {
          const answer = await pool.request({
            method: 'GET',
            path: PATH,
            headers: { authorization },
          })
          await answer.body.dump()
          return answer.statusCode
        }),
      )
      await fault.end(redis)
      await pool.close()
      passed[name] = statuses.filter((status) => status === 200).length
    }
    return passed
  } finally {
    await system.stop()
  }
}

const sum = (values: number[]): number => values.reduce((all, value) => all + value, 0)

/** Answers of 5xx and requests without an answer. */
const failures = ({ statuses }: OpenSample): number =>
  sum(Object.entries(statuses).map(([status, n]) => (status === '0' || status >= '5' ? n : 0)))

/** Redis goes away under load in three ways; beside the same load without a fault, round by round. */
export async function measureFaults(edge: Edge, options: BenchOptions): Promise<SuiteResult> {
  const { redis, gateway, token } = edge
  if (redis === undefined) throw new Error('There is no Redis here: apt-get install redis-server')
  const { rounds, durationMs, progress } = options
  const closed = {
    origin: gateway.url,
    pid: gateway.pid,
    durationMs,
    connections: CONNECTIONS,
    headers: { authorization: `Bearer ${token}` },
    method: 'GET' as const,
    path: () => PATH,
  }
  await run(closed)
  const perSecond = Math.round((await run(closed)).perSecond * PART_OF_CAPACITY)
  const samples: Record<string, OpenSample[]> = {}
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, fault] of Object.entries(FAULTS)) {
      progress(`edge, Redis: ${name}, at ${perSecond}/s, round ${round}/${rounds}`)
      const sample = await throughFault(edge, redis, { fault, perSecond, durationMs })
      ;(samples[name] ??= []).push(sample)
    }
  }
  progress('edge, Redis: the limit')
  const passed = await letThrough(edge, redis)
  const p99 = (name: string): number[] => samples[name]?.map(({ p99Ms }) => p99Ms) ?? []
  const calm = p99('no fault')
  const rows = Object.entries(samples).map(([name, all]) => [
    name === 'no fault' ? 'Redis as it should be' : `Redis ${name}`,
    {
      requests: sum(all.map(({ requests }) => requests)),
      '5xx or none': sum(all.map(failures)),
      'p50 ms': rounded(median(all.map(({ p50Ms }) => p50Ms))),
      'p99 ms': rounded(median(p99(name))),
      'added p99 ms': rounded(median(p99(name).map((ms, i) => ms - (calm[i] ?? Number.NaN)))),
      [`let through of ${SENT} at a limit of ${LIMIT}`]: passed[name] ?? Number.NaN,
    },
  ])
  return {
    table: Object.fromEntries(rows) as SuiteResult['table'],
    samples: { perSecond, samples, passed },
  }
}
