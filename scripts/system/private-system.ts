import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createManagedProcess, type ManagedProcess } from './managed-process.ts'
import { freePorts } from './ports.ts'
import { productionEntry, services, type Service } from './services.ts'

export interface PrivateSystemOptions {
  /** Variables for every process; they win over what `npm start` would set. */
  env?: Readonly<Record<string, string>>
  /** The node that runs the processes; default: this one. */
  node?: string
  /** Run the services by `npm run start:prod`; what development has by default must then be in `env`. */
  production?: boolean
  /** Only these; default: all four. */
  only?: readonly Service['name'][]
}

/** Nothing of the caller's environment but what node needs: the system must run on its defaults. */
function bareEnvironment(): Record<string, string | undefined> {
  const { PATH, HOME, TMPDIR, LANG } = process.env
  return { PATH, HOME, TMPDIR, LANG, LOG_FORMAT: 'json', LOG_LEVEL: 'info' }
}

/** The platform is none of ours and stays as it is. */
const inProduction = (service: Service): Service =>
  service.name === 'simulator'
    ? service
    : { ...service, entry: productionEntry, args: [service.name] }

/**
 * A whole system of its own: free ports, a temporary data directory, embedded stores, the simulator as platform.
 * All processes start at once and are ready when this resolves.
 */
export async function startPrivateSystem(options: PrivateSystemOptions = {}) {
  const { env = {}, node, only, production = false } = options
  const dataDir = await mkdtemp(join(tmpdir(), 'potok-'))
  const [ADMIN_PORT = 0, GATEWAY_PORT = 0, STATE_PORT = 0, TASK_PORT = 0, MAX_SIMULATOR_PORT = 0] =
    await freePorts(5)
  const all = services({
    ADMIN_PORT,
    GATEWAY_PORT,
    STATE_PORT,
    TASK_PORT,
    MAX_SIMULATOR_PORT,
    POTOK_DATA_DIR: dataDir,
  })
  const processes = new Map<Service['name'], ManagedProcess>(
    all
      .filter(({ name }) => only?.includes(name) ?? true)
      .map((service) => [
        service.name,
        createManagedProcess({
          service: {
            ...(production ? inProduction(service) : service),
            env: { ...service.env, ...env },
          },
          env: {
            ...bareEnvironment(),
            GATEWAY_INTERNAL_URL: `http://127.0.0.1:${GATEWAY_PORT}`,
            ...env,
          },
          ...(node === undefined ? {} : { node }),
        }),
      ]),
  )
  const system = {
    dataDir,
    process(name: Service['name']): ManagedProcess {
      const found = processes.get(name)
      if (!found) throw new Error(`This system has no ${name}`)
      return found
    },
    url: (name: Service['name']): string => system.process(name).url,
    /** Stops everything and removes the data. */
    async stop(): Promise<void> {
      await Promise.all([...processes.values()].map((one) => one.end()))
      await rm(dataDir, { recursive: true, force: true })
    },
  }
  try {
    await Promise.all([...processes.values()].map((one) => one.start()))
  } catch (error) {
    await system.stop()
    throw error
  }
  return system
}

export type PrivateSystem = Awaited<ReturnType<typeof startPrivateSystem>>
