import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePorts } from '../system/ports.ts'
import type { Dockerfile } from './dockerfile.ts'

/** The user `node` of the base image. */
const UID = 1000
const START_LIMIT_MS = 30_000
/** Without replicas to wait for: SHUTDOWN_DELAY_MS of the image would only cost time here. */
const NO_DELAY = { SHUTDOWN_DELAY_MS: '0' }

/** What an operator has to add to the image. */
const SECRETS = {
  API_KEYS: 'gateway=key-of-the-image-check,state=other-key-of-the-check',
  ADMIN_SERVICE_API_KEY: 'key-of-the-image-check',
  EXTERNAL_DB_API_KEY: 'other-key-of-the-check',
  JWT_SECRET: 'access-secret-of-the-check',
  JWT_REFRESH_SECRET: 'refresh-secret-of-the-check',
  ADMIN_USERNAME: 'chief',
  ADMIN_PASSWORD: 'password of the chief',
  // Nobody is there: a gateway is ready without the others, and says in its health that they are down.
  ADMIN_SERVICE_URL: 'http://127.0.0.1:9',
  STATE_SERVICE_URL: 'http://127.0.0.1:9',
}

/** Runs what the image runs, as the user that it runs it as. @returns what was wrong */
export async function tryImage(system: string, image: Dockerfile, node: string): Promise<string[]> {
  const [port = 0] = await freePorts(1)
  const env = {
    PATH: process.env['PATH'],
    ...Object.fromEntries(
      Object.entries(image.env).map(([name, value]) => [
        name,
        value.startsWith('/') ? join(system, value) : value,
      ]),
    ),
    ...SECRETS,
    ...NO_DELAY,
    HOST: '127.0.0.1',
    PORT: String(port),
  }
  const isRoot = process.getuid?.() === 0
  if (isRoot && image.user !== undefined) chownSync(join(system, 'data'), UID, UID)
  const as = isRoot && image.user !== undefined ? { uid: UID, gid: UID } : {}
  const options = { cwd: join(system, 'app'), env, ...as }
  const words = ([program = '', ...rest]: string[]): [string, string[]] => [
    program === 'node' ? node : program,
    rest,
  ]

  const child = spawn(...words(image.command), { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4000)))
  }
  const ended = once(child, 'exit')
  const healthy = (): boolean => spawnSync(...words(image.healthcheck), options).status === 0

  const deadline = Date.now() + START_LIMIT_MS
  const faults: string[] = []
  while (!healthy()) {
    if (child.exitCode !== null || Date.now() > deadline) {
      faults.push(`its HEALTHCHECK never passed:\n${output}`)
      break
    }
    await pause(50)
  }
  child.kill('SIGTERM')
  const [code] = (await ended) as [number | null]
  if (code !== 0) faults.push(`SIGTERM ended it with ${String(code)}:\n${output}`)
  if (healthy()) faults.push('its HEALTHCHECK passes although nothing runs')
  return faults
}
