import { execFile } from 'node:child_process'
import { cp, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { findProgram } from '@potok/core/testing/programs'
import type { Replicas } from '../replicas.ts'

const run = promisify(execFile)
const TRIES = 5

async function postgresPrograms(): Promise<string> {
  const initdb = findProgram('initdb')
  if (initdb === undefined) throw new Error('There is no PostgreSQL here')
  return dirname(await realpath(initdb))
}

/** Dumps a database; put back with the service running, as an operator in a hurry does it. */
async function dumpPostgres(url: string, folder: string) {
  const programs = await postgresPrograms()
  const file = join(folder, 'state.sql')
  await run(join(programs, 'pg_dump'), ['--clean', '--if-exists', '-f', file, url])
  return async (): Promise<void> => {
    const psql = join(programs, 'psql')
    for (let tries = 1; ; tries += 1) {
      try {
        await run(psql, ['-q', '-1', '-v', 'ON_ERROR_STOP=1', '-f', file, url])
        return
      } catch (error) {
        // The running service and the restore may lock each other out; the whole of it is tried again.
        if (tries === TRIES) throw error
      }
    }
  }
}

/** Copies the file of an embedded store, which belongs to its process: that is stopped meanwhile. */
async function copySqlite({ dataDir, processes: [state] }: Replicas, folder: string) {
  await state.end()
  await cp(dataDir, folder, { recursive: true })
  await state.start()
  return async (): Promise<void> => {
    await state.end()
    await rm(dataDir, { recursive: true })
    await cp(folder, dataDir, { recursive: true })
    await state.start()
  }
}

/** Takes a backup now. @returns how to put it back, and how to throw it away */
export async function takeBackup(replicas: Replicas) {
  const folder = await mkdtemp(join(tmpdir(), 'potok-backup-'))
  const databaseUrl = replicas.postgres?.url
  const restore =
    databaseUrl === undefined
      ? await copySqlite(replicas, folder)
      : await dumpPostgres(databaseUrl, folder)
  return { restore, discard: () => rm(folder, { recursive: true, force: true }) }
}
