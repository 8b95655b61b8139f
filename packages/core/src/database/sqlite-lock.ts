import { setTimeout as delay } from 'node:timers/promises'
import type { SqliteModule } from '@photostructure/sqlite'
import { DatabaseInUse } from './errors.ts'
import { isBusy } from './sqlite-errors.ts'

const RETRY_MS = 50

/**
 * Makes this process the only one that uses `file`, by an exclusive transaction on a small database beside it.
 * The operating system ends the lock with the process, however it dies; `file` itself stays readable for backups.
 * @throws DatabaseInUse after `waitMs`
 */
export async function lockFile(
  { DatabaseSync }: SqliteModule,
  file: string,
  waitMs: number,
): Promise<{ release(): void }> {
  const lock = new DatabaseSync(`${file}.lock`, { timeout: 0 })
  for (let waited = 0; ; waited += RETRY_MS) {
    try {
      lock.exec('begin exclusive')
      return { release: () => lock.close() }
    } catch (error) {
      if (!isBusy(error) || waited >= waitMs) {
        lock.close()
        throw isBusy(error) ? new DatabaseInUse(file) : error
      }
    }
    await delay(RETRY_MS)
  }
}
