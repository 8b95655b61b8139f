import { setTimeout as pause } from 'node:timers/promises'
import type { ManagedProcess } from '../../system/managed-process.ts'
import { startReplicas } from '../replicas.ts'
import type { Random } from '../random.ts'
import type { TortureOptions, TortureResult } from '../torture.ts'
import { check } from './checker.ts'
import { write, type Writers } from './writers.ts'

const ENTITIES = 24
const WRITERS = 12

async function killAndRestart(victim: ManagedProcess, random: Random): Promise<void> {
  await pause(random.integer(20, 900))
  await victim.end('SIGKILL')
  await victim.start()
  // What comes after a restart is written over what the death left behind.
  await pause(random.integer(20, 300))
}

/** Random writers, `kill -9` at a random moment of every round, and the checker after it. */
export async function tortureState({
  store,
  rounds,
  random,
  report,
}: TortureOptions): Promise<TortureResult> {
  const replicas = await startReplicas(store)
  const into: Writers = {
    acknowledged: [],
    deleted: [],
    refused: 0,
    away: 0,
    unknown: 0,
    wrong: [],
  }
  const ids = Array.from({ length: ENTITIES }, (_, index) => `t${index + 1}`)
  const faults: string[] = []
  try {
    for (let round = 1; round <= rounds; round += 1) {
      let stop = false
      const [first] = replicas.processes
      const writing = write(replicas.urls, random, {
        writers: WRITERS,
        entities: ENTITIES,
        stopped: () => stop,
        into,
      })
      await killAndRestart(random.pick([first, ...replicas.processes]), random)
      stop = true
      await writing
      const verdict = await check(first.url, into, ids)
      faults.push(...verdict.faults, ...into.wrong.splice(0))
      report(
        `${store} round ${round}/${rounds}: ${into.acknowledged.length} acknowledged, ${into.unknown} unknown, ` +
          `${verdict.changes} changes, ${verdict.events} events, ${verdict.faults.length} violations`,
      )
      if (faults.length > 0) break
    }
  } finally {
    await replicas.stop()
  }
  if (into.acknowledged.length === 0) faults.push('nothing was acknowledged: this proves nothing')
  return { checked: `${into.acknowledged.length} acknowledged writes`, faults }
}
