/**
 * Configuration: one TypeBox schema a process, read once from the environment by `main.ts`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import type { Static, TObject, TSchema } from '@sinclair/typebox'
import { createParser, ValueRefused } from '../validation/index.ts'
import { DEVELOPMENT_SECRETS } from './schemas.ts'

/** A setting that cannot be used, with one line per variable. */
export class ConfigError extends Error {
  readonly code = 'CONFIG_INVALID'
}

/** The environment of a process: `./.env` where present, overruled by what is really set. */
export function readEnvironment(
  actual: NodeJS.ProcessEnv,
  file = '.env',
): Record<string, string | undefined> {
  const fromFile = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}
  return { ...fromFile, ...Object.fromEntries(Object.entries(actual).filter(([, v]) => v !== '')) }
}

/**
 * Reads a configuration.
 * @param schema properties are variables; annotations: `productionDefault` (default when NODE_ENV=production),
 *   `secret` (none of the secrets that anybody can read in our sources is taken in production), `developmentOnly` (other
 *   values that are refused there)
 * @throws ConfigError that names every variable that is wrong
 */
export function readConfig<T extends TObject>(
  schema: T,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Static<T>> {
  const production = env['NODE_ENV'] === 'production'
  const candidate = candidateOf(schema, env, production)
  const refused = production ? developmentValues(schema, candidate) : []
  try {
    const config = createParser(schema, { coerce: true })(candidate)
    if (refused.length > 0) throw new ConfigError(refused.join('; '))
    return Object.freeze(config)
  } catch (error) {
    if (error instanceof ValueRefused) {
      const lines = error.errors.map(({ path, message }) => `${path.slice(1)} ${message}`)
      throw new ConfigError(`Invalid environment: ${[...lines, ...refused].join('; ')}`, {
        cause: error,
      })
    }
    throw error
  }
}

/** The variables that the schema knows, without empty ones; defaults by mode filled in. */
function candidateOf(
  schema: TObject,
  env: Readonly<Record<string, string | undefined>>,
  production: boolean,
): Record<string, unknown> {
  const candidate: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(schema.properties)) {
    const value = env[name]
    if (value !== undefined && value !== '') candidate[name] = value
    else if (production && 'productionDefault' in property) {
      candidate[name] = property['productionDefault']
    }
  }
  return candidate
}

/** One line per setting whose value is meant for development only. */
function developmentValues(schema: TObject, candidate: Record<string, unknown>): string[] {
  return Object.entries(schema.properties).flatMap(([name, property]: [string, TSchema]) => {
    const value: unknown = candidate[name] ?? property.default
    if (typeof value !== 'string') return []
    const own: unknown = property['developmentOnly']
    const refused = new Set<unknown>([
      ...(Array.isArray(own) ? own : []),
      ...(property['secret'] === true ? DEVELOPMENT_SECRETS : []),
    ])
    return partsOf(value).some((part) => refused.has(part))
      ? [`${name} still has a development default, which is refused in production`]
      : []
  })
}

/** What may be a secret in it: all of it, one of several, one with a name, the password of a URL. */
function partsOf(value: string): string[] {
  const parts = value.split(/[,=]/u).map((part) => part.trim())
  const password = URL.canParse(value) ? new URL(value).password : ''
  return [value.trim(), ...parts, password]
}
