/** A Redis of its own for a test file, from the installed binary. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, startServerProcess, type ServerProcess } from './server-process.ts'
import { findProgram, type OptionalService } from './programs.ts'

export const redisService: OptionalService = {
  name: 'Redis',
  install: 'apt-get install redis-server',
  isInstalled: () => findProgram('redis-server') !== undefined,
}

export interface RedisOptions {
  /** Default: a free one. */
  port?: number
  password?: string
}

export interface RedisServer {
  readonly host: string
  readonly port: number
  /** Of its main process. */
  readonly pid: number
  readonly url: string
  /** Ends it and removes its files. */
  stop(): Promise<void>
  /** Ends it at once; what it held is gone. `start` again, on the same port. */
  kill(): Promise<void>
  start(): Promise<void>
  restart(): Promise<void>
  /** It hangs: connections stay, nothing is answered, until `resume`. */
  pause(): void
  resume(): void
}

/** Starts a Redis on the loopback, or answers undefined where none is installed. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer | undefined> {
  const program = findProgram('redis-server')
  if (program === undefined) return undefined
  const host = '127.0.0.1'
  const port = options.port ?? (await freePort())
  const directory = await mkdtemp(join(tmpdir(), 'potok-redis-'))

  const launch = (): Promise<ServerProcess> =>
    startServerProcess({
      program,
      readyLine: /Ready to accept connections/,
      args: `--port ${port} --bind ${host} --dir ${directory} --appendonly no`
        .split(' ')
        .concat(
          '--save',
          '',
          options.password === undefined ? [] : ['--requirepass', options.password],
        ),
    })
  let server = await launch()

  const kill = (): Promise<void> => server.end('SIGKILL')
  const start = async (): Promise<void> => void (server = await launch())
  const secret = options.password === undefined ? '' : `:${options.password}@`
  return {
    host,
    port,
    url: `redis://${secret}${host}:${port}`,
    get pid() {
      return server.pid
    },
    kill,
    start,
    async restart() {
      await kill()
      await start()
    },
    pause: () => server.signal('SIGSTOP'),
    resume: () => server.signal('SIGCONT'),
    async stop() {
      await kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
