/**
 * What the simulator reads from its environment. It has a reader of its own: it stands for a foreign
 * platform and shares no code with the services.
 */
import { Type, type Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

/** Every variable of the process; nothing else is read. */
export const Config = Type.Object({
  NODE_ENV: Type.String({
    default: 'development',
    description: 'production: the simulator refuses to start',
  }),
  HOST: Type.String({
    default: '127.0.0.1',
    description: 'Address to listen on; only loopback is accepted',
  }),
  PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 3010, description: 'Port; 0 = any' }),
  MAX_SIMULATOR_TOKEN: Type.String({
    minLength: 1,
    maxLength: 256,
    default: 'simulator-token',
    description: 'The token that the bot must send in Authorization',
  }),
  TIME_SCALE: Type.Number({
    minimum: 1,
    maximum: 100_000,
    default: 1,
    description:
      'How many seconds pass on the platform in one real second (webhook retries, eight-hour limit)',
  }),
})
export type Config = Readonly<Static<typeof Config>>

/** A setting that cannot be used; the message is one line and names every bad variable. */
export class ConfigError extends Error {
  readonly code = 'CONFIG_INVALID'
}

/** Loopback in any spelling that a person would write. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/u.test(host)
}

/** @throws ConfigError */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.keys(Config.properties).flatMap((name) => {
      const value = env[name]
      return value === undefined || value === '' ? [] : [[name, value]]
    }),
  )
  if (given['NODE_ENV'] === 'production') {
    throw new ConfigError(
      'The MAX simulator is a development tool and refuses to run with NODE_ENV=production',
    )
  }
  const candidate = Value.Convert(Config, Value.Default(Config, given))
  if (!Value.Check(Config, candidate)) {
    const lines = [...Value.Errors(Config, candidate)].map(
      ({ path, message }) => `${path.slice(1)} ${message.toLowerCase()}`,
    )
    throw new ConfigError(`Invalid environment: ${lines.join('; ')}`)
  }
  if (!isLoopback(candidate.HOST)) {
    throw new ConfigError(
      `Invalid environment: HOST ${candidate.HOST} is not a loopback address; the simulator has no ` +
        'access control and listens on 127.0.0.1, ::1 or localhost only',
    )
  }
  return Object.freeze(candidate)
}
