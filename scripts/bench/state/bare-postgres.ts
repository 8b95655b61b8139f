import { performance } from 'node:perf_hooks'
import { readConfig } from '@potok/core/config'
import { createLogger } from '@potok/core/logging'
import { buildApp } from '@potok/state/app'
import { Config } from '@potok/state/config'
import { Client, Pool, type QueryConfig } from 'pg'
import { KEY } from './requests.ts'

/** What stands for the entity in the recording. */
const RECORDED_ID = 'bench_recorded'
const EVENT_ID = /evt_[0-9a-f]{28}/gu

interface Statement {
  text: string
  values: readonly unknown[]
  name?: string
}

function statementOf(given: unknown): Statement | undefined {
  if (typeof given === 'string') return { text: given, values: [] }
  if (typeof given !== 'object' || given === null || !('text' in given)) return undefined
  const { text, values = [], name } = given as QueryConfig & { text: string; values?: unknown[] }
  return { text, values, ...(name === undefined ? {} : { name }) }
}

/** The statements from the `begin` before the one that speaks of the entity to its `commit`. */
function transactionOf(statements: readonly Statement[]): Statement[] {
  const at = statements.findIndex(({ values }) => JSON.stringify(values).includes(RECORDED_ID))
  const from = statements.findLastIndex(({ text }, index) => index < at && text === 'begin')
  const to = statements.findIndex(({ text }, index) => index > at && text === 'commit')
  if (at === -1 || from === -1 || to === -1) throw new Error('No write was recorded')
  return statements.slice(from, to + 1)
}

/**
 * What one write says to PostgreSQL, heard from the service itself: the same texts, whatever they become.
 * @param body of a write that creates an entity
 */
export async function recordWrite(
  databaseUrl: string,
  body: (entityId: string) => string,
): Promise<Statement[]> {
  const config = readConfig(Config, { DATABASE_URL: databaseUrl, LOG_LEVEL: 'silent' })
  const app = await buildApp(config, createLogger(config))
  await app.ready()
  const heard = new Map<object, Statement[]>()
  // oxlint-disable-next-line typescript/unbound-method -- called with its client below, and put back
  const original = Client.prototype.query
  Client.prototype.query = function query(this: Client, ...given: unknown[]) {
    const statement = statementOf(given[0])
    if (statement !== undefined) heard.set(this, [...(heard.get(this) ?? []), statement])
    return Reflect.apply(original, this, given)
  } as typeof original
  try {
    const { statusCode } = await app.inject({
      method: 'POST',
      url: '/api/v1/states/task',
      headers: { ...KEY, 'content-type': 'application/json' },
      payload: body(RECORDED_ID),
    })
    if (statusCode !== 201) throw new Error(`The write to be recorded was refused: ${statusCode}`)
  } finally {
    Client.prototype.query = original
    await app.close()
  }
  const speaking = [...heard.values()].find((list) => JSON.stringify(list).includes(RECORDED_ID))
  return transactionOf(speaking ?? [])
}

/** The same statements for another entity. */
function replayed(statements: readonly Statement[], entityId: string, n: number): Statement[] {
  const eventId = `evt_${Date.now().toString(16).padStart(12, '0')}${n.toString(16).padStart(16, '0')}`
  return statements.map(({ values, ...rest }) => ({
    ...rest,
    values: values.map((value) =>
      typeof value === 'string'
        ? value.replaceAll(RECORDED_ID, entityId).replace(EVENT_ID, eventId)
        : value,
    ),
  }))
}

let runs = 0

/** Clients that do nothing but these statements, one transaction after another. @returns transactions a second */
export async function runBare(
  databaseUrl: string,
  statements: readonly Statement[],
  options: { clients: number; connections: number; durationMs: number },
): Promise<number> {
  const pool = new Pool({
    connectionString: databaseUrl,
    max: options.connections,
    options: '-c search_path=state -c plan_cache_mode=force_custom_plan',
  })
  runs += 1
  const run = runs
  let next = 0
  let done = 0
  const startedAt = performance.now()
  const client = async (): Promise<void> => {
    while (performance.now() < startedAt + options.durationMs) {
      const n = (next += 1)
      const own = replayed(statements, `bare_${run}_${n}`, run * 16_777_216 + n)
      const connection = await pool.connect()
      for (const { text, values, name } of own) {
        await connection.query({
          text,
          values: [...values],
          ...(name === undefined ? {} : { name }),
        })
      }
      connection.release()
      done += 1
    }
  }
  await Promise.all(Array.from({ length: options.clients }, client))
  const seconds = (performance.now() - startedAt) / 1000
  await pool.end()
  return done / seconds
}
