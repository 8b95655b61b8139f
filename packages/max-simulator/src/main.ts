/** The simulator as a process. */
import { buildSimulator } from './app.ts'
import { ConfigError, readConfig } from './config.ts'
import { createLog } from './log.ts'

const log = createLog((line) => process.stdout.write(line))

try {
  await start()
} catch (error) {
  log.error(reasonOf(error))
  process.exitCode = 1
}

/** One line that says what to do about it. */
function reasonOf(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  if (error instanceof Error && 'port' in error && error.message.includes('EADDRINUSE')) {
    return `PORT ${String(error.port)} is in use; set PORT to a free one`
  }
  return `could not start: ${error instanceof Error ? error.message : String(error)}`
}

async function start(): Promise<void> {
  const config = readConfig(process.env)
  const { app } = await buildSimulator({
    token: config.MAX_SIMULATOR_TOKEN,
    timeScale: config.TIME_SCALE,
    log,
  })
  let closing = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // Who asks twice does not want to wait.
      if (closing) process.exit(1)
      closing = true
      app.close().then(
        () => log.info(`stopped by ${signal}`),
        (error: unknown) => log.error('could not stop cleanly', { error: String(error) }),
      )
    })
  }
  const address = await app.listen({ host: config.HOST, port: config.PORT })
  log.info(`a local stand-in for MAX, for development only; chat page ${address}/`)
}
