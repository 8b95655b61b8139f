import { constants, copyFileSync, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BackupRefused } from './errors.ts'
import { lockFile } from './sqlite-lock.ts'
import { loadSqlite } from './sqlite-module.ts'

/** A backup waits so long for a lock that a checkpoint of the service holds. */
const BUSY_TIMEOUT_MS = 10_000

async function toDisk(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Puts a finished file in its place: on the disk under its name, or not there. */
async function publish(partial: string, target: string): Promise<void> {
  await toDisk(partial)
  renameSync(partial, target)
  await toDisk(dirname(target))
}

/** @throws BackupRefused the file is no sound database */
async function checkSound(file: string): Promise<void> {
  const { DatabaseSync } = await loadSqlite()
  let answer: unknown
  const database = new DatabaseSync(file)
  try {
    answer = Object.values(database.prepare('pragma integrity_check').get() ?? {})[0]
  } catch (error) {
    answer = error instanceof Error ? error.message : error
  } finally {
    database.close()
  }
  if (answer !== 'ok') throw new BackupRefused(`${file} is damaged: ${String(answer)}`)
}

/**
 * Copies an embedded database as it is at one moment, while its service goes on writing: one reading transaction, which
 * the write-ahead log lets nobody wait for. The copy is checked and on the disk when this resolves.
 * @throws BackupRefused there is no such database, there is a target already, the copy is damaged
 */
export async function backUpFile(file: string, target: string): Promise<{ bytes: number }> {
  if (!existsSync(file)) throw new BackupRefused(`There is no ${file}`)
  if (existsSync(target)) throw new BackupRefused(`${target} is there already`)
  await mkdir(dirname(target), { recursive: true })
  const partial = `${target}.partial`
  rmSync(partial, { force: true })
  const { DatabaseSync } = await loadSqlite()
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS })
  try {
    database.prepare('vacuum into ?').run(partial)
  } finally {
    database.close()
  }
  await checkSound(partial)
  await publish(partial, target)
  return { bytes: statSync(target).size }
}

/**
 * Puts a backup in the place of a database that is not there, and that no service uses. The event log notices by itself:
 * it begins a new stretch at the next start, and cursors of what the backup does not know are answered with `reset`.
 * @throws BackupRefused there is a database already, or the backup is damaged
 * @throws DatabaseInUse a service holds the file
 */
export async function restoreFile(backup: string, file: string): Promise<void> {
  if (!existsSync(backup)) throw new BackupRefused(`There is no ${backup}`)
  await mkdir(dirname(file), { recursive: true })
  const lock = await lockFile(await loadSqlite(), file, 0)
  try {
    const inTheWay = [file, `${file}-wal`, `${file}-shm`].find((path) => existsSync(path))
    if (inTheWay !== undefined) throw new BackupRefused(`${inTheWay} is there: move it away first`)
    const partial = `${file}.partial`
    copyFileSync(backup, partial, constants.COPYFILE_FICLONE)
    await checkSound(partial)
    await publish(partial, file)
  } finally {
    lock.release()
  }
}
