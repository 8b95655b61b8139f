import { setTimeout as pause } from 'node:timers/promises'
import type { Page, State } from '@potok/contracts/state'
import { call, login } from '../../system/api.ts'
import type { ManagedProcess } from '../../system/managed-process.ts'
import { startStage, type Stage } from '../sockets/stage.ts'
import type { TortureOptions, TortureResult } from '../torture.ts'
import { startTraffic } from './traffic.ts'

export interface EdgeTortureOptions extends TortureOptions {
  getsPerSecond?: number
  postsPerSecond?: number
}

/** How long a gateway that ends goes on answering; with `Connection: close`, so that the balancer's pool empties. */
const SHUTDOWN_DELAY_MS = 2000
/** Both gateways stand well before the next one goes. */
const PAUSE_MS = 2500
const REVOCATION_LIMIT_MS = 10_000

/**
 * Kept-alive connections, and the next gateway when one does not take the request. None is kept away from: a refused
 * connection costs nothing, and two that are kept away from at once would be nobody.
 */
function balancer(gateways: readonly ManagedProcess[]) {
  const servers = gateways.map(({ url }) => `server ${new URL(url).host} max_fails=0;`).join(' ')
  return ({ port }: { port: number }): string => `
    upstream gateways { ${servers} keepalive 32; }
    server {
      listen 127.0.0.1:${port};
      location / {
        proxy_pass http://gateways;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header Connection "";
      }
    }`
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

/** One of two gateways behind nginx is restarted again and again while clients read and write through it. */
export async function tortureEdge(options: EdgeTortureOptions): Promise<TortureResult> {
  const { rounds, random, report, getsPerSecond = 200, postsPerSecond = 100 } = options
  const stage = await startStage('postgres', {
    balancer,
    env: { SHUTDOWN_DELAY_MS: String(SHUTDOWN_DELAY_MS), LOG_LEVEL: 'warn' },
  })
  const faults: string[] = []
  try {
    const { authorization } = await login(stage.url)
    const load = { url: stage.url, authorization, gets: getsPerSecond, posts: postsPerSecond }
    const { traffic, stop } = startTraffic(load)
    let told = 0
    for (let round = 1; round <= rounds; round += 1) {
      await pause(PAUSE_MS)
      const victim = random.pick(stage.gateways)
      const code = await victim.end('SIGTERM')
      if (code !== 0)
        faults.push(`A gateway ended with ${code}: ${victim.lines.slice(-3).join(' ')}`)
      await victim.start()
      const failed = traffic.faults.slice(told)
      told = traffic.faults.length
      report(
        `restart ${round}/${rounds}: ${traffic.sent} sent, ${told} failed ${failed.slice(0, 3).join('; ')}`,
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
    await stage.stop()
  }
}
