import { join } from 'node:path'
import { loadSqlite } from '@potok/core/database'
import { Client } from 'pg'
import type { startReplicas } from '../../torture/replicas.ts'

type Replicas = Awaited<ReturnType<typeof startReplicas>>

const COLUMNS =
  'entity, entity_id, status, version, metadata, created_at, created_by, updated_at, updated_by, machine_version'
/** The newest is of this time; each one before it is ten milliseconds older. */
const NEWEST_MS = Date.UTC(2025, 10, 10)
const STEP_MS = 10
/** Each status has a fifth of the states, each assignee a hundredth. */
export const STATUS = 'pending'
export const ASSIGNEE = 'u7'

const statusOf = (pick: (list: string, at: string) => string): string =>
  pick('created,pending,in_progress,completed,failed', 'n % 5')

function select(count: number, status: string, object: string, numbers: string): string {
  const at = `${NEWEST_MS} - (${count} - n) * ${STEP_MS}`
  return `select 'task', 't' || n, ${status}, 1,
    ${object}('assignee', 'u' || (n % 100), 'title', 'Отчёт ' || n, 'priority', 'high', 'room', n % 1000),
    ${at}, 'service:bench', ${at}, 'service:bench', 1 from ${numbers}`
}

async function fillPostgres(url: string, count: number): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const status = statusOf((list, at) => `(string_to_array('${list}', ','))[1 + ${at}]`)
  const numbers = `generate_series(1, ${count}) as n`
  const rows = select(count, status, 'jsonb_build_object', numbers)
  await client.query(`insert into state.states (${COLUMNS}) ${rows}`)
  await client.query('vacuum analyze state.states')
  await client.end()
}

async function fillSqlite(dataDir: string, count: number): Promise<void> {
  const { DatabaseSync } = await loadSqlite()
  const database = new DatabaseSync(join(dataDir, 'state.sqlite'))
  const status = statusOf((list, at) => {
    const cases = list.split(',').map((name, place) => `when ${place} then '${name}'`)
    return `case ${at} ${cases.join(' ')} end`
  })
  const numbers = `(with recursive counted(n) as
    (select 1 union all select n + 1 from counted where n < ${count}) select n from counted)`
  database.exec(`insert into states (${COLUMNS}) ${select(count, status, 'json_object', numbers)}`)
  database.exec('analyze')
  database.close()
}

/** Puts so many tasks into the store of a service, behind its back: through it, they would take an hour. */
export async function fill(replicas: Replicas, count: number): Promise<void> {
  const { postgres, dataDir, processes } = replicas
  if (postgres !== undefined) {
    await fillPostgres(postgres.url, count)
    return
  }
  // One process a file.
  const [service] = processes
  await service.end()
  await fillSqlite(dataDir, count)
  await service.start()
}
