import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import type { Rules } from '../machines/index.ts'
import { indexedElements } from '../states/index.ts'
import type { StateElementsTable } from '../states/tables.ts'
import type { Decision, EntityGroup } from './entity-group.ts'
import { conflict, lineInvalid } from './errors.ts'
import { keyOf, type ImportStore } from './import-store.ts'

/** What to do with an entity that is there already and is another one. */
export type Existing = 'skip' | 'refuse'

export interface Tally {
  imported: number
  /** It was there already. */
  unchanged: number
  /** Something else was there and stayed. */
  skipped: number
}

export const emptyTally = (): Tally => ({ imported: 0, unchanged: 0, skipped: 0 })

export interface BatchDeps {
  store: Pick<AnyDatabase, 'write'>
  say: ImportStore
  /** The rules of entity types, held in force until the transaction ends. */
  rulesFor: (trx: AnyTransaction, entities: Iterable<string>) => Promise<Map<string, Rules>>
  /** Tells those who carry states elsewhere. In the transaction. */
  changed: (
    trx: AnyTransaction,
    entities: readonly { entity: string; entityId: string }[],
  ) => Promise<void>
}

export interface Stored {
  states: Tally
  history: Tally
}

/** Somebody made one of the entities between our look and our insert: the batch is done again and sees it. */
class CreatedMeanwhile extends Error {}

const ATTEMPTS = 8

function metadataOf(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text)
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** Elements of the arrays at indexed paths; of a deleted entity there are none. */
function elementsOf({ state }: EntityGroup, rules: Rules): StateElementsTable[] {
  if (state.deleted_at !== null || !state.metadata.includes('[')) return []
  const { entity, entity_id } = state
  return indexedElements(metadataOf(state.metadata), rules.indexes).map(({ path, value }) => ({
    entity,
    entity_id,
    path,
    value,
  }))
}

function decide(
  { line, state }: EntityGroup,
  known: 'same' | 'other' | undefined,
  existing: Existing,
): Decision {
  if (known === undefined) return 'import'
  if (known === 'same') return 'same'
  if (existing === 'refuse') throw conflict(line, state.entity, state.entity_id)
  return 'skip'
}

const OUTCOMES = { import: 'imported', same: 'unchanged', skip: 'skipped' } as const

/** Brings new entities in, with their indexed elements, and tells those who carry states elsewhere. */
function createBringIn({ say, rulesFor, changed }: Omit<BatchDeps, 'store'>) {
  return async (trx: AnyTransaction, groups: readonly EntityGroup[]): Promise<void> => {
    if (groups.length === 0) return
    const rules = await rulesFor(trx, new Set(groups.map(({ state }) => state.entity)))
    const elements: StateElementsTable[] = []
    for (const group of groups) {
      const found = rules.get(group.state.entity)
      if (found === undefined) {
        throw lineInvalid(group.line, [{ path: '/entity', message: 'is an unknown entity type' }])
      }
      elements.push(...elementsOf(group, found))
    }
    const rows = groups.map(({ state }) => state)
    if ((await say.insertStates(trx, rows)) < rows.length) throw new CreatedMeanwhile()
    await say.insertElements(trx, elements)
    await changed(
      trx,
      rows.map(({ entity, entity_id: entityId }) => ({ entity, entityId })),
    )
  }
}

/** Stores entities that came along, each with its history, in one transaction. */
export function createImportBatch({ store, say, ...deps }: BatchDeps) {
  const bringIn = createBringIn({ say, ...deps })

  async function run(trx: AnyTransaction, groups: readonly EntityGroup[], existing: Existing) {
    // Those of which a part came before are decided already.
    const fresh = groups.filter(({ decision }) => decision === undefined)
    const known = await say.known(
      trx,
      fresh.map(({ state }) => state),
    )
    const decided = groups.map((group) => ({
      group,
      decision: group.decision ?? decide(group, known.get(keyOf(group.state)), existing),
    }))
    const coming = decided.filter(
      ({ group, decision }) => decision === 'import' && group.decision === undefined,
    )
    await bringIn(
      trx,
      coming.map(({ group }) => group),
    )
    const kept = decided.filter(({ decision }) => decision !== 'skip')
    const rows = kept.flatMap(({ group }) => group.history)
    const imported = await say.insertHistory(trx, rows)
    const history: Tally = { ...emptyTally(), imported, unchanged: rows.length - imported }
    const states = emptyTally()
    for (const { group, decision } of decided) {
      if (decision === 'skip') history.skipped += group.history.length
      if (group.decision === undefined) states[OUTCOMES[decision]] += 1
    }
    return { stored: { states, history }, decided }
  }

  /** @throws 409 conflict; 422 unknown entity type */
  return async (groups: readonly EntityGroup[], existing: Existing): Promise<Stored> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { stored, decided } = await store.write((trx) => run(trx, groups, existing))
        for (const { group, decision } of decided) group.decision = decision
        return stored
      } catch (error) {
        if (!(error instanceof CreatedMeanwhile) || attempt >= ATTEMPTS) throw error
      }
    }
  }
}

export type ImportBatch = ReturnType<typeof createImportBatch>
