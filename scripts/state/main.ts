/**
 * `npm run state -- export|import <file>`: states with their history out of a running state service and into it, as NDJSON,
 * while the service goes on.
 */
import { parseArgs } from 'node:util'
import { ConfigError, readConfig, readEnvironment } from '@potok/core/config'
import { Config as Gateway } from '@potok/gateway/config'
import { Type } from '@sinclair/typebox'
import { exportStates } from './export-states.ts'
import { importStates } from './import-states.ts'
import { createProgress } from './progress.ts'
import { TransferFailed } from './refusal.ts'
import { createService } from './service.ts'

const USAGE = `npm run state -- export <file> [--entity <type>]
npm run state -- import <file> [--existing skip|refuse]

  <file>       NDJSON; - is standard output or input
  --entity     only the states of this entity type
  --existing   what to do with one that is there already and is not the same: skip it (default), or end with an error
  --url        the state service; default: STATE_SERVICE_URL, else http://localhost:3002

The key is taken from STATE_SERVICE_API_KEY or, where that is not set, ADMIN_SERVICE_API_KEY, as the gateway does.`

/** It speaks with the state service as the gateway does. */
const Settings = Type.Pick(Gateway, [
  'STATE_SERVICE_URL',
  'STATE_SERVICE_API_KEY',
  'ADMIN_SERVICE_API_KEY',
])

/** Codes of the file system that an operator understands. */
const FILE_ERRORS = new Set(['ENOENT', 'EACCES', 'EISDIR', 'ENOSPC', 'EROFS', 'ENOTDIR', 'EPIPE'])

function isTold(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  if (error instanceof TransferFailed || error instanceof ConfigError) return true
  return 'code' in error && typeof error.code === 'string' && FILE_ERRORS.has(error.code)
}

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}

function argumentsOf() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        entity: { type: 'string' },
        existing: { type: 'string', default: 'skip' },
        url: { type: 'string' },
      },
    })
    const [command, file, ...rest] = positionals
    const isKnown = command === 'export' || command === 'import'
    if (!isKnown || file === undefined || rest.length > 0) return fail(USAGE)
    return { command, file, ...values }
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
  }
}

async function run(): Promise<string> {
  const { command, file, entity, existing, url } = argumentsOf()
  const settings = readConfig(Settings, readEnvironment(process.env))
  const service = createService({
    url: (url ?? settings.STATE_SERVICE_URL).replace(/\/+$/u, ''),
    apiKey: settings.STATE_SERVICE_API_KEY ?? settings.ADMIN_SERVICE_API_KEY,
  })
  const progress = createProgress(process.stderr, command)
  try {
    if (command === 'export') {
      const { machines, states, history } = await exportStates({ service, entity, file, progress })
      return `Exported: ${states} states, ${history} versions, ${machines} versions of rules`
    }
    const tallies = await importStates({ service, file, existing, progress })
    const line = (name: string, { imported, unchanged, skipped }: typeof tallies.states): string =>
      `${name}: ${imported} imported, ${unchanged} there already, ${skipped} left as they are here`
    const { states, history, machines } = tallies
    return [line('States', states), line('Versions', history), line('Rules', machines)].join('\n')
  } finally {
    progress.end()
  }
}

try {
  console.error(await run())
} catch (error) {
  if (isTold(error)) fail(error.message)
  throw error
}
