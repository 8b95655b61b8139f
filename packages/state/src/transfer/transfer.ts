import { Readable } from 'node:stream'
import type { AnyTransaction, AnyDatabase, DatabaseLog } from '@potok/core/database'
import { bodyLines } from './body-lines.ts'
import { busy } from './errors.ts'
import { exportChunks } from './exporting.ts'
import type { ExportPages } from './export-pages.ts'
import type { Existing } from './import-batch.ts'
import { Import, type ImportDeps, type ImportSummary } from './importing.ts'

export interface TransferDeps extends Omit<ImportDeps, 'store'> {
  store: AnyDatabase
  pages: ExportPages
  /** Tells those who follow the event log to begin anew. */
  restart: (trx: AnyTransaction) => Promise<void>
  /** Forgets what this process has cached. */
  forget: () => void
  log: Pick<DatabaseLog, 'info' | 'warn'>
  /** Exports under way at once. */
  exportLimit: number
  /** An export whose reader takes nothing for so long is cut off, milliseconds. */
  stallMs: number
}

export interface ImportOptions {
  existing: Existing
  /** Further parts will come. */
  more: boolean
}

/** A line holds one metadata, which JSON may write six times as long as it is, and little else. */
const ESCAPED = 6
const LINE_OVERHEAD_BYTES = 65_536

/** Brings states and their history out of the store and into it, while the service goes on. */
export function createTransfer(deps: TransferDeps) {
  const { store, pages, restart, forget, log, exportLimit, stallMs, metadataLimitBytes } = deps
  const exports = new Set<Readable>()
  let isImporting = false

  /** Reads a page whenever the reader has taken the one before it, and gives up on one who does not. */
  function readableOf(chunks: AsyncGenerator<string, void>): Readable {
    let stall: NodeJS.Timeout | undefined
    async function* watched(): AsyncGenerator<string, void> {
      for await (const chunk of chunks) {
        clearTimeout(stall)
        stall = setTimeout(() => stream.destroy(new Error('nobody reads the export')), stallMs)
        yield chunk
      }
    }
    const stream = Readable.from(watched(), { objectMode: false, highWaterMark: 1 })
    stream.once('close', () => clearTimeout(stall))
    return stream
  }

  async function takeAll(body: Readable, existing: Existing): Promise<ImportSummary> {
    const running = new Import(deps, existing)
    const limitBytes = metadataLimitBytes * ESCAPED + LINE_OVERHEAD_BYTES
    for await (const line of bodyLines(body, limitBytes)) await running.take(line)
    return running.finish()
  }

  /** Tells everybody that there are states which no event told of. */
  async function announce(more: boolean): Promise<void> {
    forget()
    if (!more) await store.write(restart)
  }

  return {
    /** @throws 503 too many under way */
    export(entity = ''): Readable {
      if (exports.size >= exportLimit) throw busy('exports')
      const stream = readableOf(exportChunks(pages, entity))
      exports.add(stream)
      stream.once('error', (error) => log.warn({ err: error }, 'an export was broken off'))
      stream.once('close', () => exports.delete(stream))
      return stream
    },

    /** @throws 409, 413, 422; 503 another one is under way */
    async import(body: Readable, options: ImportOptions): Promise<ImportSummary> {
      if (isImporting) throw busy('imports')
      isImporting = true
      try {
        const summary = await takeAll(body, options.existing)
        await announce(options.more)
        log.info({ ...summary }, 'states were imported')
        return summary
      } catch (error) {
        // What came before the failure is stored; that it could not be told matters less than why.
        await announce(options.more).catch((err: unknown) => {
          log.warn({ err }, 'those who follow the event log could not be told of an import')
        })
        throw error
      } finally {
        isImporting = false
      }
    },

    /** Breaks off what is under way. */
    close(): void {
      for (const stream of exports) stream.destroy()
    },
  }
}

export type Transfer = ReturnType<typeof createTransfer>
