import { isDeepStrictEqual } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { metadataText } from '../states/index.ts'
import type { BodyLine } from './body-lines.ts'
import { EntityGroup } from './entity-group.ts'
import { conflict, lineInvalid, Truncated } from './errors.ts'
import { emptyTally, type Existing, type ImportBatch, type Tally } from './import-batch.ts'
import { historyRow, stateRow, timeOf } from './import-rows.ts'
import type { EndLine, HistoryLine, MachineLine, StateLine } from './line-schemas.ts'
import type { Totals } from './line-text.ts'
import { readLine } from './read-line.ts'

export interface ImportDeps {
  machines: Pick<FastifyInstance['machines'], 'restore'>
  batch: ImportBatch
  metadataLimitBytes: number
}

export interface ImportSummary {
  lines: number
  machines: Tally
  states: Tally
  history: Tally
}

/** Rows and characters of metadata that one transaction stores. */
const BATCH_ROWS = 200
const BATCH_CHARACTERS = 1_048_576

/** One import: takes lines, stores what is complete, and counts. */
export class Import {
  readonly #deps: ImportDeps
  readonly #existing: Existing
  readonly #summary: ImportSummary = {
    lines: 0,
    machines: emptyTally(),
    states: emptyTally(),
    history: emptyTally(),
  }
  readonly #seen: Totals = { machines: 0, states: 0, history: 0 }
  #waiting: EntityGroup[] = []
  #open: EntityGroup | undefined
  #rows = 0
  #characters = 0
  #hasHeader = false
  #end: EndLine | undefined

  constructor(deps: ImportDeps, existing: Existing) {
    this.#deps = deps
    this.#existing = existing
  }

  /** What has been stored so far. */
  get summary(): ImportSummary {
    return this.#summary
  }

  /** @throws 409, 422 */
  async take(line: BodyLine): Promise<void> {
    const { number } = line
    const read = readLine(line)
    if (this.#end !== undefined) refuse(number, '/type', 'comes after the end')
    this.#summary.lines = number
    if (read.type === 'history') await this.#history(number, read)
    else {
      this.#close()
      if (read.type === 'state') await this.#state(number, read)
      else if (read.type === 'machine') await this.#machine(number, read)
      else if (read.type === 'end') this.#end = read
      else this.#header(number)
    }
  }

  /** Stores the rest. @throws 409, 422 */
  async finish(): Promise<ImportSummary> {
    this.#close()
    await this.#flush()
    const { type: _type, ...told } = this.#end ?? { type: 'end' }
    const isWhole = this.#end === undefined ? !this.#hasHeader : isDeepStrictEqual(told, this.#seen)
    if (!isWhole) throw new Truncated(this.#summary.lines)
    return this.#summary
  }

  #header(line: number): void {
    if (this.#hasHeader || this.#seen.machines + this.#seen.states > 0) {
      refuse(line, '/type', 'is not the first line')
    }
    this.#hasHeader = true
  }

  async #machine(line: number, read: MachineLine): Promise<void> {
    await this.#flush()
    const { entity, version, definition, createdBy } = read
    const createdAt = timeOf(line, 'createdAt', read.createdAt)
    const kept = { entity, version, definition, createdAt, createdBy }
    const restored = await this.#deps.machines.restore(kept)
    if (restored === 'other' && this.#existing === 'refuse') throw conflict(line, 'machine', entity)
    const outcome = { restored: 'imported', same: 'unchanged', other: 'skipped' } as const
    this.#summary.machines[outcome[restored]] += 1
    this.#seen.machines += 1
  }

  async #state(line: number, read: StateLine): Promise<void> {
    if (this.#rows >= BATCH_ROWS || this.#characters >= BATCH_CHARACTERS) await this.#flush()
    const metadata = this.#metadata(line, read.metadata)
    this.#open = new EntityGroup(line, stateRow(line, read, metadata))
    this.#seen.states += 1
    this.#count(metadata)
  }

  async #history(line: number, read: HistoryLine): Promise<void> {
    const group = this.#open
    if (group === undefined) return refuse(line, '/type', 'comes before its state')
    // Of an entity with a long history a part is stored before the rest has come.
    if (group.history.length >= BATCH_ROWS || this.#characters >= BATCH_CHARACTERS) {
      await this.#flush([group])
    }
    const metadata = this.#metadata(line, read.metadata)
    group.add(line, historyRow(line, read, metadata))
    this.#seen.history += 1
    this.#count(metadata)
  }

  #metadata(line: number, metadata: StateLine['metadata']): string {
    try {
      return metadataText(metadata, { bytes: this.#deps.metadataLimitBytes, indexes: [] })
    } catch (error) {
      if (!(error instanceof Error)) throw error
      return refuse(line, '/metadata', error.message)
    }
  }

  #count(metadata: string): void {
    this.#rows += 1
    this.#characters += metadata.length
  }

  /** The entity is complete. */
  #close(): void {
    if (this.#open === undefined) return
    this.#open.close()
    this.#waiting.push(this.#open)
    this.#open = undefined
  }

  async #flush(unfinished: readonly EntityGroup[] = []): Promise<void> {
    const groups = [...this.#waiting, ...unfinished]
    this.#waiting = []
    this.#rows = 0
    this.#characters = 0
    if (groups.length === 0) return
    const { states, history } = await this.#deps.batch(groups, this.#existing)
    addTo(this.#summary.states, states)
    addTo(this.#summary.history, history)
    for (const group of unfinished) group.history = []
  }
}

function addTo(sum: Tally, part: Tally): void {
  sum.imported += part.imported
  sum.unchanged += part.unchanged
  sum.skipped += part.skipped
}

function refuse(line: number, path: string, message: string): never {
  throw lineInvalid(line, [{ path, message }])
}
