/**
 * The frame of a process: read the environment, build, listen, and end in an orderly way. All that a `main.ts` calls.
 */
import type { TObject } from '@sinclair/typebox'
import type { Logger } from 'pino'
import { ConfigError, readConfig, readEnvironment } from '../config/index.ts'
import type { BaseConfig } from '../config/schemas.ts'
import { createLogger } from '../logging/index.ts'
import type { Server } from '../server/index.ts'
import { installShutdown } from '../shutdown/index.ts'

export interface ProcessOptions<C extends BaseConfig> {
  /** Everything that the process reads from its environment. */
  schema: TObject & { static: C }
  build: (config: C, logger: Logger) => Promise<Server>
}

/** Conditions that an operator mends: one clear line instead of a stack. */
const OPERATOR_ERRORS = new Set(['DATABASE_IN_USE', 'DATABASE_UNAVAILABLE', 'CONFIG_INVALID'])

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
}

function explain(error: unknown, config: BaseConfig): string | undefined {
  const code = codeOf(error)
  if (code === 'EADDRINUSE')
    return `Port ${config.PORT} is already in use. Set PORT to another one.`
  if (code === 'EACCES')
    return `Port ${config.PORT} may not be opened by this user. Set PORT to another one.`
  if (code === 'EADDRNOTAVAIL') return `HOST ${config.HOST} is no address of this machine.`
  return code !== undefined && OPERATOR_ERRORS.has(code) && error instanceof Error
    ? error.message
    : undefined
}

/** Ends the process with one line on standard error. Nothing has been opened yet, or it has been closed. */
function giveUp(message: string): never {
  process.stderr.write(`${message}\n`)
  // oxlint-disable-next-line unicorn/no-process-exit -- without a configuration there is nothing to run, and nothing is open that could be closed
  process.exit(1)
}

/** Reads the configuration or ends the process with the name of every variable that is wrong. */
function configuration<C extends BaseConfig>(schema: TObject & { static: C }): C {
  try {
    // oxlint-disable-next-line node/no-process-env -- the one place where a service's environment is read
    return readConfig(schema, readEnvironment(process.env))
  } catch (error) {
    if (error instanceof ConfigError) giveUp(error.message)
    throw error
  }
}

/** Argument of a process that brings its tables up to date and ends, such as a job before an upgrade. */
const MIGRATE = '--migrate'

/**
 * Runs a service until a signal ends it, or only brings its tables up to date (`--migrate`). Exit code 1 when it cannot
 * start, with one line that says why.
 */
export async function runProcess<C extends BaseConfig>({
  schema,
  build,
}: ProcessOptions<C>): Promise<void> {
  const config = configuration(schema)
  const logger = createLogger(config)
  let app: Server | undefined
  try {
    app = await build(config, logger)
    if (process.argv.includes(MIGRATE)) {
      // Registering the store has migrated; nobody is served and nothing is started.
      await app.close()
      logger.info({ context: 'Process' }, 'the tables are up to date')
      return
    }
    installShutdown(app, {
      delayMs: config.SHUTDOWN_DELAY_MS,
      timeoutMs: config.SHUTDOWN_TIMEOUT_MS,
      log: logger,
    })
    await app.listen({ host: config.HOST, port: config.PORT })
  } catch (error) {
    await app?.close().catch((closing: unknown) => {
      logger.error({ err: closing, context: 'Process' }, 'what had been opened could not be closed')
    })
    const line = explain(error, config)
    if (line !== undefined) giveUp(line)
    logger.fatal({ err: error, context: 'Process' }, 'cannot start')
    giveUp('The process could not start; the line above says why.')
  }
}
