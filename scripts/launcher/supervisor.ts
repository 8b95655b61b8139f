import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { answers } from '../system/readiness.ts'
import type { Service } from '../system/services.ts'

export interface SupervisorOptions {
  services: readonly Service[]
  /** Variables of every process; a service's own ones win. */
  env: Readonly<Record<string, string | undefined>>
  /** Arguments to the node of a service, such as `--watch`. */
  nodeArguments?: (service: Service) => readonly string[]
  onLine: (service: Service, line: string) => void
  /** Something an operator wants to know: a restart, a process that stays down. */
  onNotice: (message: string) => void
}

const READY_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 15_000
const RESTART_DELAY_MS = { first: 500, most: 10_000 }
/** A process that lived this long starts again without the waiting that earlier deaths brought. */
const STEADY_MS = 30_000
/** A process that dies this often before it was ever ready is not started again. */
const MOST_FAILED_STARTS = 3

interface Running {
  service: Service
  child: ChildProcess
  startedAt: number
  wasReady: boolean
  failures: number
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null

/** Starts the services, starts again what dies, stops all of them together. */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #running = new Map<string, Running>()
  #stopping = false

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /** Starts all of them. @returns the titles of those that are not ready within 30 s */
  async start(): Promise<string[]> {
    const { services } = this.#options
    for (const service of services) this.#launch(service, 0)
    const late = services.map(async (service) =>
      (await this.#ready(service)) ? [] : [service.title],
    )
    return (await Promise.all(late)).flat()
  }

  /** Asks all of them to end; what has not ended after 15 s is killed. @returns the titles of the killed */
  async stop(): Promise<string[]> {
    this.#stopping = true
    const ends = [...this.#running.values()].map(async ({ child, service }) => {
      if (hasEnded(child)) return []
      const ended = new Promise<string[]>((done) => child.once('exit', () => done([])))
      child.kill('SIGTERM')
      const late = pause(STOP_TIMEOUT_MS, undefined, { ref: false }).then(() => {
        if (hasEnded(child)) return []
        child.kill('SIGKILL')
        return [service.title]
      })
      return Promise.race([ended, late])
    })
    return (await Promise.all(ends)).flat()
  }

  /** Kills what still runs, at once: the last thing a launcher does, however it ends. */
  kill(): void {
    this.#stopping = true
    for (const { child } of this.#running.values()) if (!hasEnded(child)) child.kill('SIGKILL')
  }

  #launch(service: Service, failures: number): void {
    const { env, nodeArguments = () => [], onLine } = this.#options
    const child = spawn(
      process.execPath,
      ['--enable-source-maps', ...nodeArguments(service), service.entry],
      {
        env: { ...env, ...service.env, PORT: String(service.port) },
        stdio: ['ignore', 'pipe', 'pipe'],
        // A group of its own: Ctrl-C on a terminal must reach the launcher alone, a second signal ends a service at once.
        detached: true,
      },
    )
    const running = { service, child, startedAt: Date.now(), wasReady: false, failures }
    this.#running.set(service.name, running)
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => onLine(service, line))
    }
    child.on('exit', (code, signal) => {
      if (!this.#stopping) this.#restart(running, signal ?? `code ${String(code)}`)
    })
  }

  #restart({ service, startedAt, wasReady, ...before }: Running, cause: string): void {
    const steady = wasReady && Date.now() - startedAt > STEADY_MS
    const failures = steady ? 1 : before.failures + 1
    if (!wasReady && failures >= MOST_FAILED_STARTS) {
      this.#options.onNotice(`${service.title} does not start (${cause}); its last lines say why.`)
      this.#running.delete(service.name)
      return
    }
    const delay = Math.min(RESTART_DELAY_MS.first * 2 ** (failures - 1), RESTART_DELAY_MS.most)
    this.#options.onNotice(`${service.title} ended (${cause}); starting it again in ${delay} ms.`)
    setTimeout(() => {
      if (this.#stopping) return
      this.#launch(service, failures)
      void this.#ready(service)
    }, delay)
  }

  async #ready(service: Service): Promise<boolean> {
    const deadline = Date.now() + READY_TIMEOUT_MS
    while (Date.now() < deadline && !this.#stopping) {
      const running = this.#running.get(service.name)
      if (running === undefined) return false
      if (await answers(service)) {
        running.wasReady = true
        return true
      }
      await pause(50)
    }
    return false
  }
}
