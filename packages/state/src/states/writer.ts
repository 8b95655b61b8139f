import type { AnyDatabase, AnyTransaction, DatabaseLog } from '@potok/core/database'
import type { NewEvent } from '../events/index.ts'
import { unknownEntity, type Catalog } from '../machines/index.ts'
import { eventOf, keyOf, type Change } from './changes.ts'
import type { By, Command, Outcome } from './command.ts'
import { decide } from './decide.ts'
import { createSaving, type Before } from './saving.ts'
import type { StateRow } from './state-row.ts'
import { createStatements, type Loaded } from './statements.ts'

export interface WriterDeps {
  store: AnyDatabase
  machines: Pick<Catalog, 'known' | 'rulesFor'>
  events: { append: (trx: AnyTransaction, events: readonly NewEvent[]) => Promise<unknown> }
  log: Pick<DatabaseLog, 'info'>
  metadataLimitBytes: number
}

/** A command that the rules, the owner or a precondition refuse. */
export interface Refused {
  kind: 'refused'
  error: Error
}

const isFound = (row: Loaded): row is { clock: number } & StateRow => row.entity !== null

/** Answers that a client can do something about; everything else ends the write. */
const isRefusal = (error: unknown): error is Error =>
  error instanceof Error &&
  'statusCode' in error &&
  typeof error.statusCode === 'number' &&
  error.statusCode < 500

/** The last change of each entity, in the order of the first. */
function lastOf(changes: readonly Change[]): Change[] {
  return [...new Map(changes.map((change) => [keyOf(change.changed.row), change])).values()]
}

const MESSAGES = {
  'entity.created': 'State created successfully',
  'entity.updated': 'State updated successfully',
  'entity.deleted': 'State deleted successfully',
}

export type Writer = ReturnType<typeof createWriter>

/** Reads, decides and stores: state, history, events and indexed elements in the caller's transaction. */
export function createWriter({ store, machines, events, log, metadataLimitBytes }: WriterDeps) {
  const say = createStatements(store)
  const saving = createSaving(say)

  async function load(trx: AnyTransaction, commands: readonly Command[]) {
    const keys = commands.map(({ entity, entityId }) => ({ entity, entity_id: entityId }))
    const distinct = [...new Map(keys.map((key) => [keyOf(key), key])).values()]
    const [only] = distinct
    const { rows } =
      distinct.length === 1 && only !== undefined
        ? await say.load(only, trx)
        : await say.loadMany({ rows: JSON.stringify(distinct) }, trx)
    const found = rows.filter(isFound).map(({ clock: _clock, ...row }) => row)
    const before: Before = new Map(found.map((row) => [keyOf(row), row]))
    return { now: rows[0]?.clock ?? 0, before }
  }

  async function decideAll(trx: AnyTransaction, commands: readonly Command[], by: By) {
    const rulesOf = await machines.rulesFor(trx, new Set(commands.map(({ entity }) => entity)))
    const { now, before } = await load(trx, commands)
    const current = new Map(before)
    const results: (Outcome | Refused)[] = []
    const changes: Change[] = []
    for (const command of commands) {
      const { entity, entityId } = command
      const rules = rulesOf.get(entity)
      try {
        if (rules === undefined) throw unknownEntity(entity, await machines.known(trx))
        const key = keyOf({ entity, entity_id: entityId })
        const circumstances = { rules, by, now, metadataLimitBytes }
        const outcome = decide(command, current.get(key), circumstances)
        current.set(key, outcome.row)
        results.push(outcome)
        if (outcome.kind === 'changed') changes.push({ changed: outcome, rules, by })
      } catch (error) {
        if (!isRefusal(error)) throw error
        results.push({ kind: 'refused', error })
      }
    }
    return { before, current, results, changes }
  }

  function tell({ changed, by }: Change): void {
    const { event, previousStatus, newStatus, row } = changed
    const { entity: entityType, entity_id: entityId, version } = row
    const { actor, correlationId } = by
    log.info(
      { correlationId, entityType, entityId, previousStatus, newStatus, version, actor },
      MESSAGES[event],
    )
  }

  async function save(
    trx: AnyTransaction,
    { before, current, results, changes }: Awaited<ReturnType<typeof decideAll>>,
  ): Promise<void> {
    const last = lastOf(changes)
    const changed = new Set(last.map((change) => keyOf(change.changed.row)))
    const finals = [...current].filter(([key]) => changed.has(key)).map(([, row]) => row)
    const touched = results.flatMap((result) =>
      result.kind === 'touched' && !changed.has(keyOf(result.row)) ? [result.row] : [],
    )
    await saving.touched(trx, touched)
    if (changes.length === 0) return
    await saving.states(trx, finals, before)
    await saving.history(trx, changes)
    await saving.elements(trx, last, before)
    await events.append(trx, changes.map(eventOf))
    store.afterCommit(trx, () => changes.forEach(tell))
  }

  return {
    /**
     * Runs commands in the caller's transaction, each on what the ones before it left.
     * @param mode `atomic`: when one is refused nothing is stored; `partial`: the others are
     * @returns one result a command, in their order
     */
    async run(
      trx: AnyTransaction,
      commands: readonly Command[],
      by: By,
      mode: 'atomic' | 'partial',
    ): Promise<(Outcome | Refused)[]> {
      const decided = await decideAll(trx, commands, by)
      const isRefused = decided.results.some(({ kind }) => kind === 'refused')
      if (mode === 'partial' || !isRefused) await save(trx, decided)
      return decided.results
    },
  }
}
