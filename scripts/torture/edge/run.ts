import { setTimeout as pause } from 'node:timers/promises'
import type { Page, State } from '@potok/contracts/state'
import { nginxService } from '@potok/core/testing/nginx-server'
import { call, login } from '../../system/api.ts'
import { startShippedNginx } from '../../system/shipped-nginx.ts'
import { startStage, type Balancer, type Stage } from '../sockets/stage.ts'
import type { TortureOptions, TortureResult } from '../torture.ts'
import { startTraffic } from './traffic.ts'

/** As in the images. What nginx is told about the gateways is made for it. */
const SHUTDOWN_DELAY_MS = 5000
/** Between a gateway that is ready again and the end of the next. */
const PAUSE_MS = 1000
const REVOCATION_LIMIT_MS = 10_000
/** A few hundred a second; of three requests one makes a task. */
const REQUESTS_PER_SECOND = 300
const PART_OF_POSTS = 1 / 3

/** nginx as it is shipped, but for what one address may ask for. */
const shipped: Balancer = async (gateways, state) => {
  if (!nginxService.isInstalled()) return undefined
  const { port } = state.service
  const nginx = await startShippedNginx({
    gateways: gateways.map(({ service }) => service.port),
    states: [port, port],
    requestsPerSecond: 1_000_000,
  })
  return { url: nginx.operator, stop: () => nginx.stop() }
}

/** How long a session that ended on one gateway still works on the other, milliseconds. */
async function revocationMs([one, ...others]: Stage['gateways']): Promise<number> {
  const session = await login(one.url)
  const headers = { authorization: session.authorization }
  await call(`${one.url}/api/v1/auth/logout`, { method: 'POST', headers })
  const endedAt = performance.now()
  for (const other of others) {
    while ((await call(`${other.url}/api/v1/auth/sessions`, { headers })).status !== 401) {
      if (performance.now() - endedAt > REVOCATION_LIMIT_MS) return REVOCATION_LIMIT_MS
      await pause(5)
    }
  }
  return Math.round(performance.now() - endedAt)
}

async function countTasks({ state }: Stage): Promise<number | undefined> {
  const url = `${state.url}/api/v1/states/task?limit=1&count=true`
  const { body } = await call<Page<State>>(url, { headers: { 'x-api-key': 'gateway-service-key' } })
  return body.total
}

/** `total` of the state service is exact up to here. */
const COUNTED_MOST = 10_000

/** One restart. @returns what was wrong with how it ended, in words */
async function restart(stage: Stage, { random }: TortureOptions): Promise<string[]> {
  const victim = random.pick(stage.gateways)
  const code = await victim.end('SIGTERM')
  await victim.start()
  return code === 0 ? [] : [`A gateway ended with ${code}: ${victim.lines.slice(-3).join(' ')}`]
}

/** One of two gateways behind nginx is restarted again and again while clients read and write through it. */
export async function tortureEdge(options: TortureOptions): Promise<TortureResult> {
  const { rounds, report, rate = REQUESTS_PER_SECOND } = options
  const stage = await startStage('postgres', {
    balancer: shipped,
    env: { SHUTDOWN_DELAY_MS: String(SHUTDOWN_DELAY_MS), LOG_LEVEL: 'warn' },
  })
  const faults: string[] = []
  try {
    const { authorization } = await login(stage.url)
    const posts = rate * PART_OF_POSTS
    const load = { url: stage.url, authorization, gets: rate - posts, posts }
    const { traffic, waiting, stop } = startTraffic(load)
    let told = 0
    for (let round = 1; round <= rounds; round += 1) {
      await pause(PAUSE_MS)
      faults.push(...(await restart(stage, options)))
      const failed = traffic.faults
        .slice(told, told + 3)
        .map((fault) => fault.replaceAll(/\s+/gu, ' '))
      told = traffic.faults.length
      report(
        `restart ${round}/${rounds}: ${traffic.sent} sent, ${waiting()} under way, ${told} failed ${failed.join('; ')}`,
      )
    }
    await pause(PAUSE_MS)
    const { sent, made } = await stop()
    const revoked = await revocationMs(stage.gateways)
    const stored = await countTasks(stage)
    const wanted = Math.min(made.length, COUNTED_MOST)
    if ((stored ?? 0) < wanted) faults.push(`${made.length} tasks acknowledged, ${stored} stored`)
    return {
      checked: `${sent} requests, ${made.length} tasks made; a logout holds on the other gateway after ${revoked} ms`,
      faults: [...faults, ...traffic.faults],
    }
  } finally {
    // Their graceful end was looked at; one more would only take its time.
    await Promise.all([...stage.gateways, stage.state].map((one) => one.end('SIGKILL')))
    await stage.stop()
  }
}
