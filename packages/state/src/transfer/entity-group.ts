import type { StateHistoryTable, StatesTable } from '../states/tables.ts'
import { lineInvalid } from './errors.ts'

/** What the store says to an entity that comes along. */
export type Decision =
  /** It is not there: it comes in. */
  | 'import'
  /** The same is there; versions that are missing behind it come in. */
  | 'same'
  /** Another one is there and stays. */
  | 'skip'

const refuse = (line: number, path: string, message: string): never => {
  throw lineInvalid(line, [{ path, message }])
}

/** An entity on its way in: its newest version, and its history, which must be whole. */
export class EntityGroup {
  readonly line: number
  readonly state: StatesTable
  /** Versions that are not stored yet. */
  history: StateHistoryTable[] = []
  /** Undefined: the store has not been asked. */
  decision: Decision | undefined
  #last: Pick<StateHistoryTable, 'version' | 'new_status'> = { version: 0, new_status: null }

  constructor(line: number, state: StatesTable) {
    this.line = line
    this.state = state
  }

  /** @throws 422 it is of another entity, or does not follow the version before it */
  add(line: number, row: StateHistoryTable): void {
    const { state } = this
    if (row.entity !== state.entity || row.entity_id !== state.entity_id) {
      refuse(line, '/entityId', 'does not belong to the state line before it')
    }
    const { version, new_status: status } = this.#last
    if (row.version !== version + 1) refuse(line, '/version', `must be ${version + 1}`)
    if (row.previous_status !== status) {
      refuse(
        line,
        '/previousStatus',
        `must be ${status ?? 'null'}, as the version before it left it`,
      )
    }
    this.history.push(row)
    this.#last = row
  }

  /** @throws 422 its history does not end with it */
  close(): void {
    const { state, line } = this
    const { version, new_status: status } = this.#last
    if (version !== state.version) {
      refuse(line, '/version', `is ${state.version}, its history ends with ${version}`)
    }
    const expected = state.deleted_at === null ? state.status : null
    if (status !== expected) {
      refuse(line, '/status', `is not what its history ends with: ${status ?? 'deleted'}`)
    }
  }
}
