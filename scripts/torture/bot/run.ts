import { spawnSync } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { call } from '../../system/api.ts'
import { root } from '../../system/root.ts'
import type { Random } from '../random.ts'
import type { TortureOptions, TortureResult } from '../torture.ts'
import { judge } from './checker.ts'
import { startStage, type Stage } from './stage.ts'
import { ask, gather, type Wish } from './team.ts'

const WISHES_EACH = 2
/** How long a round may take until everybody has what they asked for. */
const DRAIN_MS = 90_000

interface ApiFault {
  effect: string
  status?: number
  retryAfterSeconds?: number
  delayMs?: number
}

/** What the platform does wrong in a round, each a few times. */
const API_FAULTS: readonly [ApiFault, ...ApiFault[]] = [
  { effect: 'status', status: 429, retryAfterSeconds: 1 },
  { effect: 'status', status: 500 },
  { effect: 'html', status: 502 },
  { effect: 'lose-reply' },
  { effect: 'delay', delayMs: 800 },
]

async function provoke(simulator: string, random: Random): Promise<string> {
  const fault = random.pick(API_FAULTS)
  const json = { path: '/messages', method: 'POST', times: random.integer(1, 4), ...fault }
  const armed = await call(`${simulator}/control/faults/api`, { method: 'POST', json })
  const delivery = {
    duplicates: random.integer(0, 1),
    reorder: random.integer(0, 1) === 1,
    splitUtf8: random.integer(0, 1) === 1,
  }
  const set = await call(`${simulator}/control/faults/delivery`, {
    method: 'PATCH',
    json: delivery,
  })
  if (armed.status >= 400 || set.status >= 400) throw new Error('The platform takes no faults')
  return `${fault.effect} ${fault.status ?? ''}`.trim()
}

/** Messages that the bot says it may have sent twice. A killed process takes its count with it: asked once a round. */
async function repeated({ gateways }: Stage): Promise<number> {
  let sum = 0
  for (const { url } of gateways) {
    const metrics = await (await fetch(`${url}/api/v1/metrics`)).text()
    for (const [, count] of metrics.matchAll(/^bot_messages_repeated_total\{[^}]*\} (\d+)/gmu)) {
      sum += Number(count)
    }
  }
  return sum
}

async function drain(state: string, wishes: readonly Wish[]): Promise<string[]> {
  const deadline = Date.now() + DRAIN_MS
  for (;;) {
    const { missing } = await judge(state, wishes)
    if (missing.length === 0 || Date.now() > deadline) return missing
    await pause(500)
  }
}

/** The long forms of two tests: a thousand updates at once, more than two thousand presses. @returns what failed */
function longTests(report: (line: string) => void): string[] {
  const files = ['test/bot/load.test.ts', 'test/bot/walk.test.ts']
  const { status, stdout, stderr } = spawnSync(
    'npx',
    ['vitest', 'run', '--config', 'vitest.workspace.ts', '--project', 'system', ...files],
    { cwd: root, env: { ...process.env, BOT_LOAD: 'full' }, encoding: 'utf8' },
  )
  for (const line of stdout.split('\n')) if (/replies in|presses/u.test(line)) report(line)
  return status === 0 ? [] : [`load or walk: ${stderr.slice(-2000)}`]
}

/** People ask for tasks while gateways are killed and the platform misbehaves; then chats are held against tasks. */
export async function tortureBot({
  store,
  rounds,
  random,
  report,
}: TortureOptions): Promise<TortureResult> {
  const faults = store === 'sqlite' ? longTests(report) : []
  const stage = await startStage(store)
  const { simulator, state, gateways } = stage
  const wishes: Wish[] = []
  let counted = 0
  try {
    const members = await gather(simulator)
    for (let round = 1; round <= rounds; round += 1) {
      const fault = await provoke(simulator, random)
      const asking = ask(members, random, { round, each: WISHES_EACH })
      await pause(random.integer(50, 900))
      const victim = random.pick([gateways[0] ?? unknown(), ...gateways])
      await victim.end('SIGKILL')
      await victim.start()
      const asked = await asking
      wishes.push(...asked)
      const missing = await drain(state, asked)
      faults.push(...missing.map((what) => `round ${round}: no ${what}`))
      counted += await repeated(stage)
      report(`${store} round ${round}/${rounds}: ${fault}, ${wishes.length} asked for`)
    }
    const { twice } = await judge(state, wishes)
    const dialogues = await violations(simulator)
    if (twice.length > counted) faults.push(...twice)
    faults.push(...dialogues)
    const checked =
      `${wishes.length} tasks asked for; ${twice.length} things told twice, ` +
      `${counted} counted as perhaps repeated`
    return { checked, faults }
  } finally {
    await stage.stop()
  }
}

function unknown(): never {
  throw new Error('There is no gateway')
}

/** Of the description of the Bot API. */
async function violations(simulator: string): Promise<string[]> {
  const { body } = await call<{ violations: object[] }>(`${simulator}/control/conformance`, {})
  return body.violations.map((one) => JSON.stringify(one))
}
