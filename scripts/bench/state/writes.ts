import { randomUUID } from 'node:crypto'
import { call } from '../../system/api.ts'
import type { ManagedProcess } from '../../system/managed-process.ts'
import { startReplicas } from '../../torture/replicas.ts'
import { run, type Load } from '../requests/load.ts'
import { median, rounded } from '../statistics.ts'
import type { BenchOptions } from '../suite.ts'
import { recordWrite, runBare } from './bare-postgres.ts'
import { KEY } from './requests.ts'

const CLIENTS = 32
/** DATABASE_POOL_SIZE */
const CONNECTIONS = 10
/** As in production; the harness drains the pipe. */
const ENV = { LOG_LEVEL: 'info' }

const bodyOf = (entityId: string): string =>
  JSON.stringify({
    entityId,
    status: 'in_progress',
    metadata: { assignee: 'user_789', priority: 'high', title: 'Подготовить отчёт' },
  })

/** 32 clients, each creation another entity. */
function writing({ url, pid }: ManagedProcess, durationMs: number): Load {
  const prefix = randomUUID().slice(0, 8)
  return {
    origin: url,
    pid,
    method: 'POST',
    path: () => '/api/v1/states/task',
    headers: { ...KEY, 'content-type': 'application/json' },
    body: (n) => bodyOf(`w_${prefix}_${n}`),
    connections: CLIENTS,
    durationMs,
  }
}

/** @throws when one was refused: that measures nothing */
async function rateOf(load: Load): Promise<number> {
  const { refused, perSecond } = await run(load)
  if (refused > 0) throw new Error(`${refused} writes were refused; this measures nothing`)
  return perSecond
}

async function countersOf(url: string): Promise<{ commits: number; writes: number }> {
  const response = await fetch(`${url}/metrics`)
  const text = await response.text()
  const of = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'mu').exec(text)?.[1])
  return { commits: of('store_commits_total'), writes: of('store_writes_total') }
}

/** How many fsync'd commits the acknowledged writes of 32 clients take on SQLite. */
export async function measureCommits({ durationMs }: BenchOptions) {
  const replicas = await startReplicas('sqlite', ENV)
  try {
    const [service] = replicas.processes
    await rateOf(writing(service, 1000))
    const before = await countersOf(service.url)
    const perSecond = await rateOf(writing(service, durationMs))
    const after = await countersOf(service.url)
    const writes = after.writes - before.writes
    const commits = after.commits - before.commits
    return {
      perSecond: Math.round(perSecond),
      writes,
      commits,
      ratio: rounded(commits / writes, 3),
    }
  } finally {
    await replicas.stop()
  }
}

/** Writes of 32 clients on PostgreSQL beside the same SQL through bare `pg`, in alternating rounds. */
export async function measurePostgres({ rounds, durationMs, progress }: BenchOptions) {
  const replicas = await startReplicas('postgres', ENV, 1)
  const { postgres } = replicas
  if (postgres === undefined) throw new Error('There is no PostgreSQL')
  const [service] = replicas.processes
  try {
    const statements = await recordWrite(postgres.url, bodyOf)
    const options = { clients: CLIENTS, connections: CONNECTIONS, durationMs }
    await rateOf(writing(service, 1000))
    await runBare(postgres.url, statements, { ...options, durationMs: 1000 })
    const ours: number[] = []
    const bare: number[] = []
    for (let round = 1; round <= rounds; round += 1) {
      progress(`writes on PostgreSQL: round ${round}/${rounds}`)
      bare.push(await runBare(postgres.url, statements, options))
      ours.push(await rateOf(writing(service, durationMs)))
    }
    const ratios = ours.map((rate, round) => rate / (bare[round] ?? rate))
    const { body } = await call<{ status: string }>(`${service.url}/health`, { headers: KEY })
    return {
      statements: statements.map(({ text }) => text),
      health: body.status,
      oursPerSecond: Math.round(median(ours)),
      barePerSecond: Math.round(median(bare)),
      rateRatio: rounded(median(ratios)),
      ours,
      bare,
    }
  } finally {
    await replicas.stop()
  }
}
