import type { Totals } from './lines.ts'

const REPAINT_MS = 100
const MEBIBYTE = 1_048_576

export interface Done {
  totals: Totals
  bytes: number
  /** Undefined: nobody knows how much there is. */
  ofBytes?: number
}

function textOf({ totals, bytes, ofBytes }: Done, seconds: number): string {
  const { states, history } = totals
  const part =
    ofBytes === undefined ? '' : ` (${Math.floor((bytes / Math.max(1, ofBytes)) * 100)} %)`
  const size = (bytes / MEBIBYTE).toFixed(1)
  return `${states} states, ${history} versions, ${size} MiB${part}, ${seconds.toFixed(0)} s`
}

/** One line that is painted over and over on a terminal; nothing anywhere else, so that logs and pipes stay clean. */
export function createProgress(terminal: NodeJS.WriteStream, name: string) {
  const startedAt = Date.now()
  let paintedAt = 0

  return {
    show(done: Done): void {
      const now = Date.now()
      if (!terminal.isTTY || now - paintedAt < REPAINT_MS) return
      paintedAt = now
      terminal.write(`\r\u001B[K${name}: ${textOf(done, (now - startedAt) / 1000)}`)
    },
    /** Takes the line away. */
    end(): void {
      if (terminal.isTTY) terminal.write('\r\u001B[K')
    },
  }
}

export type Progress = ReturnType<typeof createProgress>
