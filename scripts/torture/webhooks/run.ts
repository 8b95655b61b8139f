import { setTimeout as pause } from 'node:timers/promises'
import type { Random } from '../random.ts'
import { startReplicas, type Replicas } from '../replicas.ts'
import { eventLog } from '../state/checker.ts'
import { write, type Writers } from '../state/writers.ts'
import type { TortureOptions, TortureResult } from '../torture.ts'
import { drain, pending, shown } from './backlog.ts'
import { check } from './checker.ts'
import { startForbidden, startSink } from './sink.ts'
import {
  activate,
  behave,
  refusedLiterals,
  subscribeAll,
  verify,
  type Subscribed,
} from './subscriptions.ts'

/** Short time-outs make short leases: a killed replica's deliveries are taken up within the run. */
const SHORT = {
  WEBHOOK_DELIVERY_TIMEOUT: '400',
  WEBHOOK_RETRY_DELAY: '100',
}
/** So long nothing may come to its end while deliveries wait. */
const STANDSTILL_MS = 120_000
const WRITERS = 4
/** Acknowledged writes of a round before the replica dies. */
const LEAST_WRITES = 20
const MOST_WRITES = 120
const WRITE_MS = 60_000
const ENTITIES = 24
/** Rounds between two activations of what was deactivated. */
const ACTIVATE_EVERY = 3

async function activateAll(origin: string, subscriptions: readonly Subscribed[]): Promise<void> {
  for (const one of subscriptions) {
    if (!(await shown(origin, one)).active) await activate(origin, one)
  }
}

/** Random writes, and a replica dies somewhere in the middle of them; it is back when this resolves. */
async function writeAndKill(replicas: Replicas, random: Random, into: Writers): Promise<void> {
  let stop = false
  const stopped = (): boolean => stop
  const options = { writers: WRITERS, entities: ENTITIES, stopped, into }
  const writing = write(replicas.urls, random, options)
  const enough = into.acknowledged.length + random.integer(LEAST_WRITES, MOST_WRITES)
  const deadline = Date.now() + WRITE_MS
  while (into.acknowledged.length < enough && Date.now() < deadline) await pause(5)
  const victim = random.pick([replicas.processes[0], ...replicas.processes])
  await victim.end('SIGKILL')
  stop = true
  await writing
  await victim.start()
}

/** Random writers, a sink that fails in every way, `kill -9` of replicas; then the log is held against the sink. */
export async function tortureWebhooks({
  store,
  rounds,
  random,
  report,
}: TortureOptions): Promise<TortureResult> {
  const forbidden = await startForbidden()
  const sink = await startSink({ random, forbidden: forbidden.url, behave, verify })
  const replicas = await startReplicas(store, { ...SHORT, WEBHOOK_ALLOWED_TARGETS: sink.origin })
  const into: Writers = {
    acknowledged: [],
    deleted: [],
    refused: 0,
    away: 0,
    unknown: 0,
    wrong: [],
  }
  const [origin] = replicas.urls
  try {
    const faults = await refusedLiterals(origin)
    const subscriptions = await subscribeAll(origin, sink, forbidden.byName)
    for (let round = 1; round <= rounds; round += 1) {
      if (round % ACTIVATE_EVERY === 0) await activateAll(origin, subscriptions)
      await writeAndKill(replicas, random, into)
      report(
        `${store} round ${round}/${rounds}: ${into.acknowledged.length} acknowledged, ` +
          `${sink.receipts.length} receipts, ${await pending(origin, subscriptions)} pending`,
      )
    }
    await drain(origin, subscriptions, STANDSTILL_MS)
    const log = await eventLog(origin)
    const verdict = await check(origin, subscriptions, log, sink.receipts)
    faults.push(...verdict.faults, ...into.wrong)
    if (log.length < rounds * LEAST_WRITES)
      faults.push(`only ${log.length} events in ${rounds} rounds: this shows nothing`)
    if (forbidden.hits() > 0)
      faults.push(`${forbidden.hits()} requests reached a forbidden address`)
    const told = Object.entries(verdict.statuses).map(([status, count]) => `${count} ${status}`)
    return {
      checked: `${log.length} events × ${subscriptions.length} subscriptions: ${told.join(', ')}`,
      faults,
    }
  } finally {
    await replicas.stop()
    await sink.close()
    await forbidden.close()
  }
}
