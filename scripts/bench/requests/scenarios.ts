import { randomUUID } from 'node:crypto'
import type { ManagedProcess } from '../../system/managed-process.ts'
import type { Scenario } from './compare.ts'
import type { Load } from './load.ts'
import type { Subjects } from './subjects.ts'

const KEY = { 'x-api-key': 'gateway-service-key' }
const JSON_TYPE = { 'content-type': 'application/json' }

/** Every measured write creates an entity of its own; the prefix keeps rounds apart. */
function writeBody(): (n: number) => string {
  const run = randomUUID().slice(0, 8)
  return (n) =>
    JSON.stringify({
      entityId: `bench_${run}_${n}`,
      status: 'in_progress',
      metadata: { assignee: 'user_789', priority: 'high', title: 'Подготовить отчёт' },
    })
}

export function scenarios(subjects: Subjects, durationMs: number): Scenario[] {
  const { state, gateway, empty, passThrough, token } = subjects
  const load = (
    process: ManagedProcess,
    request: Omit<Load, 'origin' | 'pid' | 'durationMs' | 'connections'>,
    connections = 32,
  ): Load => ({ origin: process.url, pid: process.pid, durationMs, connections, ...request })
  const write = (process: ManagedProcess, path: string): Load =>
    load(process, {
      method: 'POST',
      path: () => path,
      headers: { ...KEY, ...JSON_TYPE },
      body: writeBody(),
    })
  const read = (process: ManagedProcess, path: string, headers: Record<string, string>): Load =>
    load(process, { method: 'GET', path: () => path, headers })
  const seeded = '/api/v1/states/process/bench_reader'
  return [
    {
      name: 'state write, 32 clients, SQLite',
      baseline: {
        name: 'empty POST, same plugins and schema',
        load: write(empty, '/api/v1/empty/task'),
      },
      ours: { name: 'POST /states/task', load: write(state, '/api/v1/states/task') },
    },
    {
      name: 'state read, 32 clients',
      baseline: {
        name: 'empty GET, same plugins',
        load: read(empty, '/api/v1/empty/process/1', KEY),
      },
      ours: { name: 'GET /states/process/:id', load: read(state, seeded, KEY) },
    },
    {
      name: 'proxied GET, 32 clients',
      baseline: { name: 'bare node:http + undici', load: read(passThrough, seeded, {}) },
      ours: {
        name: 'gateway, everything on',
        load: read(gateway, seeded, { authorization: `Bearer ${token}` }),
      },
    },
  ]
}
