import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { unknownEntity, type Catalog, type Rules } from '../machines/index.ts'
import { keyOf, type Change } from './changes.ts'
import type { Command, Order, Outcome } from './command.ts'
import { decide } from './decide.ts'
import type { Before } from './saving.ts'
import { slicesOf } from './slices.ts'
import type { StateRow } from './state-row.ts'
import type { Loaded, Statements } from './statements.ts'

/** A command that the rules, the owner or a precondition refuse. */
export interface Refused {
  kind: 'refused'
  error: Error
}

/** What became of the commands of one write; nothing of it is stored yet. */
export interface Decided {
  before: Before
  /** Each entity as the commands leave it. */
  current: Map<string, StateRow>
  /** One a command, in their order. */
  results: (Outcome | Refused)[]
  changes: Change[]
}

export interface DecidingDeps {
  store: Pick<AnyDatabase, 'breathe'>
  say: Statements
  machines: Pick<Catalog, 'known' | 'rulesFor'>
  metadataLimitBytes: number
}

const isFound = (row: Loaded): row is { clock: number } & StateRow => row.entity !== null

/** An answer that a client can do something about; everything else ends the write. */
const isRefusal = (error: unknown): error is Error =>
  error instanceof Error &&
  'statusCode' in error &&
  typeof error.statusCode === 'number' &&
  error.statusCode < 500

/** Reads and locks the entities of a write and decides its commands, each on what the ones before it left. */
export function createDeciding({ store, say, machines, metadataLimitBytes }: DecidingDeps) {
  async function clock(trx: AnyTransaction): Promise<number> {
    const [row] = (await say.clock({}, trx)).rows
    if (row === undefined) throw new Error('The clock of the store gave no answer')
    return row.clock
  }

  async function load(trx: AnyTransaction, commands: readonly Command[]) {
    const keys = commands.map(({ entity, entityId }) => ({ entity, entity_id: entityId }))
    const distinct = [...new Map(keys.map((key) => [keyOf(key), key])).values()]
    const [only] = distinct
    const { rows } =
      distinct.length === 1 && only !== undefined
        ? await say.load(only, trx)
        : await say.loadMany({ rows: JSON.stringify(distinct) }, trx)
    const before: Before = new Map(rows.filter(isFound).map((row) => [keyOf(row), row]))
    return { now: rows[0]?.clock ?? (await clock(trx)), before }
  }

  async function rulesOf(trx: AnyTransaction, commands: readonly Command[]) {
    const entities = new Set(commands.map(({ entity }) => entity))
    const rules = await machines.rulesFor(trx, entities)
    const known = rules.size < entities.size ? await machines.known(trx) : []
    return (entity: string): Rules => {
      const found = rules.get(entity)
      if (found === undefined) throw unknownEntity(entity, known)
      return found
    }
  }

  return async (trx: AnyTransaction, orders: readonly Order[]): Promise<Decided> => {
    const commands = orders.map(({ command }) => command)
    const rulesFor = await rulesOf(trx, commands)
    const { now, before } = await load(trx, commands)
    const decided: Decided = { before, current: new Map(before), results: [], changes: [] }
    const decideOne = ({ command, by }: Order): void => {
      try {
        const rules = rulesFor(command.entity)
        const key = keyOf({ entity: command.entity, entity_id: command.entityId })
        const circumstances = { rules, by, now, metadataLimitBytes }
        const outcome = decide(command, decided.current.get(key), circumstances)
        decided.current.set(key, outcome.row)
        decided.results.push(outcome)
        if (outcome.kind === 'changed') decided.changes.push({ changed: outcome, rules, by })
      } catch (error) {
        if (!isRefusal(error)) throw error
        decided.results.push({ kind: 'refused', error })
      }
    }
    for (const [index, slice] of slicesOf(orders).entries()) {
      if (index > 0) await store.breathe()
      slice.forEach(decideOne)
    }
    return decided
  }
}
