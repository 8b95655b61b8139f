import { setTimeout as pause } from 'node:timers/promises'
import { call } from '../../system/api.ts'
import { startReplicas } from '../replicas.ts'
import { eventLog } from '../state/checker.ts'
import { KEY, write, type Writers } from '../state/writers.ts'
import type { TortureOptions, TortureResult } from '../torture.ts'
import { takeBackup } from './backup.ts'
import { sameAs } from './checker.ts'
import { startFollower, type Follower } from './follower.ts'

const WRITERS = 16
const ENTITIES = 200
/** Events of one round. */
const EVENTS = 500
const CUT_MS = 1000
const PATIENCE_MS = 60_000
/** Longest time for one event to be written and to come, on average. */
const EVENT_MS = 200

/** Waits for something; what does not come is a violation, not an error. */
async function comes(condition: () => boolean): Promise<boolean> {
  const deadline = Date.now() + PATIENCE_MS
  while (!condition()) {
    if (Date.now() > deadline) return false
    await pause(10)
  }
  return true
}

/** Writers at work until the follower has got so many messages more. */
async function writeUntil(
  urls: readonly [string, ...string[]],
  { random }: TortureOptions,
  follower: Follower,
  more: number,
): Promise<string[]> {
  const into: Writers = {
    acknowledged: [],
    deleted: [],
    refused: 0,
    away: 0,
    unknown: 0,
    wrong: [],
  }
  const enough = follower.messages.length + more
  const deadline = Date.now() + PATIENCE_MS + more * EVENT_MS
  await write(urls, random, {
    writers: WRITERS,
    entities: ENTITIES,
    stopped: () => follower.messages.length >= enough || Date.now() > deadline,
    into,
  })
  const stuck = follower.messages.length < enough
  return stuck ? [...into.wrong, `the stream stood still: ${follower.messages.length}`] : into.wrong
}

/** The follower against the log, once it has everything. */
async function compare(origin: string, follower: Follower): Promise<string[]> {
  const log = await eventLog(origin)
  const last = log.at(-1)?.cursor
  if (!(await comes(() => follower.messages.at(-1)?.id === last)))
    return [`the follower did not get as far as ${last}, it is at ${follower.state.lastEventId}`]
  return sameAs(log, follower.messages)
}

async function publish(origin: string, name: string): Promise<void> {
  const { status } = await call(`${origin}/api/v1/events`, {
    method: 'POST',
    headers: KEY,
    json: { name },
  })
  if (status !== 201) throw new Error(`Publishing answered ${status}`)
}

/**
 * What follows a backup that was put back: `reset`, then everything that comes, and nothing of before.
 * @param before messages that came before the restore
 */
async function afterRestore(
  origin: string,
  options: TortureOptions,
  follower: Follower,
  before: number,
): Promise<string[]> {
  const reset = (): boolean =>
    follower.messages.slice(before).some(({ event }) => event === 'reset')
  if (!(await comes(reset))) return ['a backup was put back, and the follower got no reset']
  const at = follower.messages.findLastIndex(({ event }) => event === 'reset')
  for (let n = 1; n <= EVENTS / 10; n += 1) await publish(origin, `after.restore.${n}`)
  const log = await eventLog(origin)
  const last = log.at(-1)?.cursor
  if (!(await comes(() => follower.messages.at(-1)?.id === last)))
    return ['after the reset the follower did not get what came']
  const fresh = log.slice(-(EVENTS / 10))
  options.report(`${options.store}: reset after the restore, then ${fresh.length} events more`)
  return sameAs(fresh, follower.messages.slice(at + 1))
}

/**
 * 16 writers, a follower whose connection is cut every second, a backup that is put back under it: no event may be
 * missed or come twice, and the restore is told.
 */
export async function tortureEvents(options: TortureOptions): Promise<TortureResult> {
  const { store, rounds, report } = options
  const replicas = await startReplicas(store)
  const [origin] = replicas.urls
  const follower = startFollower(replicas.urls, CUT_MS)
  const faults: string[] = []
  try {
    await comes(() => follower.state.lastEventId !== '')
    const half = Math.ceil(rounds / 2)
    faults.push(...(await writeUntil(replicas.urls, options, follower, half * EVENTS)))
    const backup = await takeBackup(replicas)
    // At least something must have come since, or nothing is lost by the restore and nobody has to be told.
    const rest = Math.max(1, rounds - half)
    faults.push(...(await writeUntil(replicas.urls, options, follower, rest * EVENTS)))
    faults.push(...(await compare(origin, follower)))
    const { connections } = follower.state
    const count = follower.messages.length
    report(`${store}: ${count} events over ${connections} connections, ${faults.length} violations`)
    await backup.restore()
    faults.push(...(await afterRestore(origin, options, follower, count)))
    await backup.discard()
    const checked = `${count} events of ${WRITERS} writers over ${connections} connections, and a restore`
    return { checked, faults }
  } finally {
    await follower.stop()
    await replicas.stop()
  }
}
