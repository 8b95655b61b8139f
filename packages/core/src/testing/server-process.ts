/** Throw-away servers of tests: each a child process that cannot outlive its parent. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { killFamily } from './process-family.ts'
import { findProgram } from './programs.ts'

const START_LIMIT_MS = 20_000

export interface ServerProcessOptions {
  program: string
  args: string[]
  /** The line of its output that says that it serves. */
  readyLine: RegExp
  /** Run as this user when the tests run as root. */
  user?: string
}

export interface ServerProcess {
  readonly pid: number
  /** Sends a signal and waits for the end of the process. */
  end(signal: NodeJS.Signals): Promise<void>
  /** Sends a signal to the process and, with `group`, to those that it started. */
  signal(signal: NodeJS.Signals): void
}

/** A port of the loopback that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No port')
  return address.port
}

/** With setpriv the kernel ends the server when this process dies, however it dies. */
function command({ program, args, user }: ServerProcessOptions): [string, string[]] {
  const setpriv = findProgram('setpriv')
  if (setpriv === undefined) return [program, args]
  const as =
    user !== undefined && process.getuid?.() === 0
      ? [`--reuid=${user}`, `--regid=${user}`, '--init-groups']
      : []
  return [setpriv, [...as, '--pdeathsig', 'KILL', '--', program, ...args]]
}

/** Starts a server and waits until it serves. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  // A group of its own: Ctrl-C is ours to pass on.
  const [program, args] = command(options)
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const { pid } = child
  if (pid === undefined) throw new Error(`${program} could not be started`)
  const signal = (name: NodeJS.Signals): void => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, name)
  }
  const onExit = (): void => signal('SIGKILL')
  process.once('exit', onExit)
  child.once('exit', () => process.off('exit', onExit))
  await ready(child, options)
  return {
    pid,
    signal,
    async end(name) {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      // SIGKILL goes to all that it started, a polite signal to the server, which sees to its own children.
      if (name !== 'SIGKILL') child.kill(name)
      else await killFamily(pid)
      await exited
    },
  }
}

async function ready(child: ChildProcess, { program, readyLine }: ServerProcessOptions) {
  let output = ''
  const timer = setTimeout(() => child.kill('SIGKILL'), START_LIMIT_MS)
  try {
    await new Promise<void>((resolve, reject) => {
      const read = (chunk: Buffer): void => {
        output = (output + chunk.toString()).slice(-4096)
        if (readyLine.test(output)) resolve()
      }
      child.stdout?.on('data', read)
      child.stderr?.on('data', read)
      child.once('error', reject)
      child.once('exit', () => reject(new Error(`${program} ended:\n${output}`)))
    })
  } finally {
    clearTimeout(timer)
  }
}
