/**
 * `npm start`: admin, state, gateway and, without a bot token, the MAX simulator, on embedded defaults. In production
 * the simulator is left out.
 */
import { spawn } from 'node:child_process'
import { ConfigError, readConfig, readEnvironment } from '@potok/core/config'
import { banner } from './banner.ts'
import { LauncherConfig } from '../system/config.ts'
import { takenPorts } from '../system/ports.ts'
import { services, type Service } from '../system/services.ts'
import { Supervisor } from './supervisor.ts'

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}

function configuration(env: Record<string, string | undefined>): LauncherConfig {
  try {
    return readConfig(LauncherConfig, env)
  } catch (error) {
    if (error instanceof ConfigError) fail(error.message)
    throw error
  }
}

const COLOURS = { admin: 35, state: 36, gateway: 32, simulator: 33 }

function print(service: Service, line: string): void {
  const name = service.name.padEnd(9)
  const colour = COLOURS[service.name]
  process.stdout.write(
    process.stdout.isTTY ? `\u001B[${colour}m${name}\u001B[0m ${line}\n` : `${name} ${line}\n`,
  )
}

const watch = process.argv.includes('--watch')
const inspect = process.argv.includes('--inspect')
/** Node's own port for the first service, the next ones for the others; each says so itself. */
const FIRST_INSPECTOR_PORT = 9229
const env = readEnvironment(process.env)
const all = env['NODE_ENV'] === 'production' ? productionServices() : services(configuration(env))

/** Without the simulator, which stands in for a platform that production has; what the operator set wins. */
function productionServices(): Service[] {
  const config = configuration(env)
  const real = services({ ...config, MAX_BOT_TOKEN: config.MAX_BOT_TOKEN ?? '' })
  for (const service of real) Object.assign(service.env, definedOf(env))
  return real
}

function definedOf(variables: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  )
}
const taken = await takenPorts(all)
if (taken.length > 0) fail(taken.join('\n'))

const compiler = watch
  ? spawn('npx', ['tsc', '-b', '--watch', '--preserveWatchOutput'], { stdio: 'inherit' })
  : undefined
const supervisor = new Supervisor({
  services: all,
  // Under the launcher four processes share one terminal: debug only on demand.
  env: { ...env, LOG_LEVEL: env['LOG_LEVEL'] ?? 'info' },
  nodeArguments: (service) => [
    ...(watch ? ['--watch', '--watch-preserve-output'] : []),
    ...(inspect ? [`--inspect=127.0.0.1:${FIRST_INSPECTOR_PORT + all.indexOf(service)}`] : []),
  ],
  onLine: print,
  onNotice: (message) => process.stdout.write(`launcher  ${message}\n`),
})

let stopping = false
async function stop(): Promise<void> {
  if (stopping) process.exit(1) // what is left is killed on exit
  stopping = true
  process.stdout.write('\nlauncher  stopping…\n')
  compiler?.kill('SIGTERM')
  const killed = await supervisor.stop()
  if (killed.length > 0) fail(`launcher  had to kill: ${killed.join(', ')}`)
  process.stdout.write('launcher  all stopped.\n')
  process.exit(0)
}
process.on('SIGINT', () => void stop())
process.on('SIGTERM', () => void stop())
// A closed terminal is no reason to leave four services behind.
process.on('SIGHUP', () => void stop())
process.on('exit', () => supervisor.kill())

const startedAt = Date.now()
const late = await supervisor.start()
if (late.length > 0) {
  console.error(`launcher  not ready: ${late.join(', ')}`)
  await supervisor.stop()
  process.exit(1)
}
const account =
  env['ADMIN_USERNAME'] === undefined && env['ADMIN_PASSWORD'] === undefined
    ? 'user / password'
    : 'what ADMIN_USERNAME and ADMIN_PASSWORD say'
process.stdout.write(`${banner(all, (Date.now() - startedAt) / 1000, account)}\n`)
