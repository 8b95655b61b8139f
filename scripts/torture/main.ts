/**
 * `npm run torture -- state|webhooks|bursts|events|notifier|sockets|bot|edge`: breaks things while they work and lets a checker
 * decide. Exit code 1 on any violation.
 */
import { parseArgs } from 'node:util'
import { tortureBot } from './bot/run.ts'
import { tortureBursts } from './bursts/run.ts'
import { tortureEdge } from './edge/run.ts'
import { createRandom } from './random.ts'
import { tortureEvents } from './events/run.ts'
import { tortureNotifier } from './notifier/run.ts'
import { tortureState } from './state/run.ts'
import { tortureSockets } from './sockets/run.ts'
import type { Store, TortureOptions, TortureResult } from './torture.ts'
import { tortureWebhooks } from './webhooks/run.ts'

const SUBJECTS: Record<string, (options: TortureOptions) => Promise<TortureResult>> = {
  state: tortureState,
  webhooks: tortureWebhooks,
  bursts: tortureBursts,
  events: tortureEvents,
  notifier: tortureNotifier,
  sockets: tortureSockets,
  bot: tortureBot,
  edge: tortureEdge,
}

/** Subjects that bring a store of their own, whatever is asked for. */
const OWN_STORE: Partial<Record<string, Store>> = { notifier: 'sqlite', edge: 'postgres' }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '30' },
    store: { type: 'string', default: 'both' },
    rate: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
  },
})
const [name = ''] = positionals
const torture = SUBJECTS[name]
const own = OWN_STORE[name]
const asked = own ?? values.store
const stores: Store[] =
  asked === 'both' ? ['sqlite', 'postgres'] : asked === 'postgres' ? ['postgres'] : ['sqlite']
const rounds = Number(values.rounds)
const rate = values.rate === undefined ? undefined : Number(values.rate)
const isCount = (value: number): boolean => Number.isInteger(value) && value > 0
if (torture === undefined || !isCount(rounds) || !isCount(rate ?? 1)) {
  console.error(
    `npm run torture -- ${Object.keys(SUBJECTS).join('|')} [--rounds 30] [--store sqlite|postgres|both] [--rate N] [--seed N]`,
  )
  process.exit(1)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

console.log(`Seed ${values.seed}`)
const summary: Record<string, { rounds: number; checked: string; violations: number }> = {}
const faults: string[] = []
for (const store of stores) {
  const random = createRandom(Number(values.seed))
  const report = (line: string): void => console.log(line)
  const result = await torture({
    store,
    rounds,
    random,
    report,
    ...(rate !== undefined && { rate }),
  })
  summary[`${name} on ${store}`] = {
    rounds,
    checked: result.checked,
    violations: result.faults.length,
  }
  faults.push(...result.faults.map((fault) => `${store}: ${fault}`))
}
console.table(summary)
for (const fault of faults.slice(0, 50)) console.error(`VIOLATION ${fault}`)
process.exit(faults.length > 0 ? 1 : 0)
