import { setTimeout as pause } from 'node:timers/promises'
import { login } from '../../system/api.ts'
import type { ManagedProcess } from '../../system/managed-process.ts'
import type { Random } from '../random.ts'
import type { TortureOptions, TortureResult } from '../torture.ts'
import { checkContinuity } from './checker.ts'
import { openDashboard, type Dashboard } from './dashboard.ts'
import { startStage, type Stage } from './stage.ts'
import { readLog, startWriting } from './writer.ts'

export interface SocketTortureOptions extends TortureOptions {
  clients?: number
  changesPerSecond?: number
}

/** How long everybody may take to be back after the last process is. */
const BACK_WITHIN_MS = 60_000
const POLL_MS = 100

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + BACK_WITHIN_MS
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${BACK_WITHIN_MS / 1000} s`)
    await pause(POLL_MS)
  }
}

async function restart(victim: ManagedProcess, random: Random): Promise<void> {
  await victim.end(random.pick(['SIGTERM', 'SIGTERM', 'SIGKILL']))
  await victim.start()
  await pause(random.integer(100, 1000))
}

/** Every gateway in turn, Redis, the state service: in order or killed, as chance has it. */
async function restartAll({ gateways, redis, state }: Stage, random: Random): Promise<void> {
  await pause(random.integer(500, 1500))
  for (const gateway of gateways) await restart(gateway, random)
  await redis?.restart()
  await restart(state, random)
}

async function disturbed(stage: Stage, dashboards: Dashboard[], options: SocketTortureOptions) {
  const stopWriting = startWriting(stage.state.url, options.changesPerSecond ?? 50)
  try {
    await restartAll(stage, options.random)
    await until('Every client follows again', () => dashboards.every((one) => one.isFollowing()))
  } finally {
    await stopWriting()
  }
  const log = await readLog(stage.state.url)
  const last = log.at(-1)
  const late = () => dashboards.filter((one) => one.cursor() !== last).length
  // Not a fault by itself: the checker says what is missing.
  await until('Every client has the last change', () => late() === 0).catch(() => undefined)
  return log
}

/** Many dashboards follow all tasks while every process is restarted; each must end with the sequence of the log. */
export async function tortureSockets(options: SocketTortureOptions): Promise<TortureResult> {
  const { store, rounds, random, report, clients = 200 } = options
  const stage = await startStage(store)
  const dashboards: Dashboard[] = []
  const faults: string[] = []
  let length = 0
  try {
    const { token } = await login(stage.url)
    dashboards.push(...Array.from({ length: clients }, () => openDashboard(stage.url, token)))
    await until('Every client follows', () => dashboards.every((one) => one.isFollowing()))
    for (let round = 1; round <= rounds && faults.length === 0; round += 1) {
      const log = await disturbed(stage, dashboards, { ...options, random })
      length = log.length
      dashboards.forEach(({ told }, n) =>
        faults.push(...checkContinuity(told, log).map((fault) => `client ${n}: ${fault}`)),
      )
      const reloads = dashboards.reduce((sum, one) => sum + one.reloads() - 1, 0)
      report(
        `${store} round ${round}/${rounds}: ${length} changes to ${clients} clients, ` +
          `${reloads} reloads, ${faults.length} violations`,
      )
    }
  } finally {
    for (const dashboard of dashboards) dashboard.close()
    await stage.stop()
  }
  return { checked: `${length} changes at each of ${clients} clients`, faults }
}
