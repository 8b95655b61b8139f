import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { answers } from './readiness.ts'
import type { Service } from './services.ts'

export interface ManagedOptions {
  service: Service
  env: Readonly<Record<string, string | undefined>>
  /** The node that runs it; default: this one. */
  node?: string
}

const READY_TIMEOUT_MS = 60_000
/** A process takes a second or two to start; asking more often takes it from that second. */
const POLL_MS = 100
/** Lines kept for the message of a process that does not come up. */
const KEPT_LINES = 2000

/** One process of a private system that a test, a demo or a torture run starts, kills and starts again. */
export function createManagedProcess({ service, env, node = process.execPath }: ManagedOptions) {
  const lines: string[] = []
  let child: ChildProcess | undefined
  const url = `http://127.0.0.1:${service.port}`

  function keep(line: string): void {
    lines.push(line)
    if (lines.length > KEPT_LINES) lines.shift()
  }

  async function ready(): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS
    while (!(await answers(service))) {
      if (child?.exitCode !== null || Date.now() > deadline) {
        throw new Error(`${service.title} did not come up:\n${lines.slice(-40).join('\n')}`)
      }
      await pause(POLL_MS)
    }
  }

  // A run that is broken off leaves nothing behind.
  const kill = (): void => void child?.kill('SIGKILL')

  return {
    service,
    url,
    /** What it printed, newest last. */
    lines,
    get pid(): number {
      return child?.pid ?? 0
    },
    /** Starts it and waits until it is ready. */
    async start(): Promise<void> {
      // Without source maps: reading them is a sixth of a start, and checks start hundreds of processes.
      child = spawn(node, [service.entry, ...(service.args ?? [])], {
        env: { ...env, ...service.env, PORT: String(service.port) },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      process.once('exit', kill)
      child.once('exit', () => process.off('exit', kill))
      for (const stream of [child.stdout, child.stderr]) {
        if (stream) createInterface({ input: stream }).on('line', keep)
      }
      await ready()
    },
    /** Ends it and waits for the end. @returns the exit code, or null after a signal */
    async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
      if (!child || child.exitCode !== null || child.signalCode !== null)
        return child?.exitCode ?? null
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
      return child.exitCode
    },
  }
}

export type ManagedProcess = ReturnType<typeof createManagedProcess>
