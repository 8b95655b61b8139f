import type { StateHistoryTable, StatesTable } from '../states/tables.ts'
import { BEGINNING, type ExportPages, type Place } from './export-pages.ts'
import {
  endLine,
  headerLine,
  historyLine,
  machineLine,
  stateLine,
  type Totals,
} from './line-text.ts'

/** The greatest version that both stores can compare with: behind every one that there is. */
const LAST_VERSION = 2_147_483_647
/** Characters that are handed on at once. */
const CHUNK = 65_536

const placeOf = ({
  entity,
  entity_id: entityId,
}: Pick<StatesTable, 'entity' | 'entity_id'>): Place => ({
  entity,
  entityId,
})

const isBefore = (a: Place, b: Place): boolean =>
  a.entity < b.entity || (a.entity === b.entity && a.entityId < b.entityId)

const isSame = (a: Place, b: Place): boolean => a.entity === b.entity && a.entityId === b.entityId

/** The history of the entities of a page, in the order of the states. */
async function* historyOf(
  pages: ExportPages,
  after: Place,
  last: Place,
): AsyncGenerator<StateHistoryTable, void> {
  // Everything of the entity before is behind us, whatever was written to it meanwhile.
  let place = { ...after, version: LAST_VERSION }
  for (;;) {
    const rows = await pages.history(place, last)
    yield* rows
    const end = rows.at(-1)
    if (end === undefined) return
    place = { ...placeOf(end), version: end.version }
  }
}

/** The lines of one page: each state, and its versions behind it. */
async function* linesOf(
  pages: ExportPages,
  states: readonly StatesTable[],
  after: Place,
  totals: Totals,
): AsyncGenerator<string, void> {
  const last = states.at(-1)
  if (last === undefined) return
  const history = historyOf(pages, after, placeOf(last))
  let next = await history.next()
  for (const state of states) {
    const place = placeOf(state)
    yield stateLine(state)
    totals.states += 1
    while (next.done !== true && !isBefore(place, placeOf(next.value))) {
      // What was written since the state was read is left for the next export.
      if (isSame(place, placeOf(next.value)) && next.value.version <= state.version) {
        yield historyLine(next.value)
        totals.history += 1
      }
      next = await history.next()
    }
  }
}

/** Everything there is, line by line. @param only of this entity type; empty: of all */
async function* lines(pages: ExportPages, only: string): AsyncGenerator<string, void> {
  const totals = { machines: 0, states: 0, history: 0 }
  yield headerLine(await pages.now())
  for (const machine of await pages.machines(only)) {
    yield machineLine(machine)
    totals.machines += 1
  }
  let after = BEGINNING
  for (;;) {
    const states = await pages.states(after, only)
    const last = states.at(-1)
    if (last === undefined) break
    yield* linesOf(pages, states, after, totals)
    after = placeOf(last)
  }
  yield endLine(totals)
}

/** An export in pieces of a good size for a stream. */
export async function* exportChunks(pages: ExportPages, only = ''): AsyncGenerator<string, void> {
  let chunk = ''
  for await (const line of lines(pages, only)) {
    chunk += line
    if (chunk.length < CHUNK) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}
