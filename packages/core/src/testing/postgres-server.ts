/** A PostgreSQL of its own for a test file, from the installed binaries. */
import { execFile } from 'node:child_process'
import { chown, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { freePort, startServerProcess, type ServerProcess } from './server-process.ts'
import { findProgram, type OptionalService } from './programs.ts'

const run = promisify(execFile)

/** initdb and postgres refuse root. */
const SERVER_USER = 'postgres'

export const postgresService: OptionalService = {
  name: 'PostgreSQL',
  install: 'apt-get install postgresql',
  isInstalled: () => findProgram('initdb') !== undefined,
}

export interface PostgresOptions {
  /** Also survive a crash of the machine, as in production; costs time. Default true. */
  fsync?: boolean
}

export interface PostgresServer {
  /** `postgres://…` of a superuser. */
  readonly url: string
  readonly port: number
  /** Of its main process. */
  readonly pid: number
  /** Ends it and removes its files. */
  stop(): Promise<void>
  /** Shuts it down in order, connections are ended; `start` again. */
  shutDown(): Promise<void>
  /** Ends all its processes at once, as a crash does; `start` again. */
  kill(): Promise<void>
  start(): Promise<void>
  restart(): Promise<void>
}

/** Starts a PostgreSQL on a free port of the loopback, or answers undefined where none is installed. */
export async function startPostgres({ fsync = true }: PostgresOptions = {}): Promise<
  PostgresServer | undefined
> {
  const initdb = findProgram('initdb')
  if (initdb === undefined) return undefined
  const programs = dirname(await realpath(initdb))
  const directory = await mkdtemp(join(tmpdir(), 'potok-postgres-'))
  const data = join(directory, 'data')
  const port = await freePort()
  await initialise(join(programs, 'initdb'), directory, data)

  const launch = (): Promise<ServerProcess> =>
    startServerProcess({
      program: join(programs, 'postgres'),
      user: SERVER_USER,
      readyLine: /database system is ready to accept connections/,
      args: ['-D', data, '-p', String(port), '-k', directory].concat(
        [
          'listen_addresses=127.0.0.1',
          'max_connections=60',
          'shared_buffers=32MB',
          `fsync=${fsync ? 'on' : 'off'}`,
        ].flatMap((setting) => ['-c', setting]),
      ),
    })
  let server = await launch()

  const shutDown = (): Promise<void> => server.end('SIGINT')
  const start = async (): Promise<void> => void (server = await launch())
  return {
    url: `postgres://potok@127.0.0.1:${port}/postgres`,
    port,
    get pid() {
      return server.pid
    },
    shutDown,
    start,
    kill: () => server.end('SIGKILL'),
    async restart() {
      await shutDown()
      await start()
    },
    async stop() {
      await server.end('SIGINT')
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function initialise(initdb: string, directory: string, data: string): Promise<void> {
  const args = ['-D', data, '-A', 'trust', '-U', 'potok', '-E', 'UTF8', '--locale=C', '-N']
  if (process.getuid?.() !== 0) {
    await run(initdb, args)
    return
  }
  const uid = await idOf('-u')
  const gid = await idOf('-g')
  await chown(directory, uid, gid)
  await run(initdb, args, { uid, gid })
}

async function idOf(flag: '-u' | '-g'): Promise<number> {
  const { stdout } = await run('id', [flag, SERVER_USER])
  return Number(stdout)
}
