import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createManagedProcess } from '../../system/managed-process.ts'
import { run } from '../requests/load.ts'
import { rounded } from '../statistics.ts'
import type { BenchOptions, SuiteResult } from '../suite.ts'
import type { Edge } from './subjects.ts'

/** What `--cpu-prof` writes. */
interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[]
  /** Microseconds of the monotonic clock. */
  startTime: number
  samples: number[]
  timeDeltas: number[]
}

const PATH = '/api/v1/tasks/task_1'
const CONNECTIONS = 32
const INTERVAL_US = 200
/** A sample that took longer was late because the machine let another process run. */
const LONGEST_US = 2 * INTERVAL_US
/** Smaller ones are put together. */
const LEAST_PERCENT = 1

const SYSTEM_CALLS = new Set(['writev', 'writeString', 'writeBuffer', 'writeBuffers'])
const SYSTEM_CALL = /^write(?:Latin1|Utf8|Ascii)String$/u

/** Who a function belongs to. */
function ownerOf({ functionName, url }: CpuProfile['nodes'][number]['callFrame']): string {
  if (functionName === '(garbage collector)') return 'garbage collection'
  if (url === '' && (SYSTEM_CALLS.has(functionName) || SYSTEM_CALL.test(functionName))) {
    return 'writing to sockets and pipes'
  }
  const library = /.*node_modules\/(?<name>(?:@[^/]+\/)?[^/]+)/u.exec(url)?.groups?.['name']
  if (library !== undefined) return library
  const ours = /packages\/(?<name>\w+)\/dist\/(?<folder>[\w-]+)/u.exec(url)?.groups
  if (ours !== undefined) return `ours: ${ours['name']}/${ours['folder']}`
  if (url.startsWith('wasm:')) return 'undici'
  return url.startsWith('node:') ? 'node: http, sockets, streams, timers' : 'V8 and native code'
}

/** Share of the busy time by owner, percent, the largest first. */
function sharesOf(profile: CpuProfile, from: number, until: number): Map<string, number> {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const times = new Map<string, number>()
  let at = profile.startTime
  let busy = 0
  for (const [index, id] of profile.samples.entries()) {
    const spent = profile.timeDeltas[index] ?? 0
    at += spent
    const frame = frames.get(id)
    if (at < from || at > until || frame === undefined || frame.functionName === '(idle)') continue
    const counted = Math.min(spent, LONGEST_US)
    busy += counted
    const owner = ownerOf(frame)
    times.set(owner, (times.get(owner) ?? 0) + counted)
  }
  const sorted = [...times].toSorted(([, a], [, b]) => b - a)
  return new Map(sorted.map(([owner, time]) => [owner, (100 * time) / busy]))
}

const nowMicros = (): number => Number(process.hrtime.bigint() / 1000n)

/** The gateway with everything on as V8 samples it (`--cpu-prof`), under the load of the comparison, warm. */
export async function profileGateway(edge: Edge, options: BenchOptions): Promise<SuiteResult> {
  const { durationMs, progress } = options
  const { service } = edge.gateway
  await edge.gateway.end()
  const folder = await mkdtemp(join(tmpdir(), 'potok-profile-'))
  const flags = [`--cpu-prof-interval=${INTERVAL_US}`, `--cpu-prof-dir=${folder}`]
  const profiled = createManagedProcess({
    // A flag of node in the place of the program, which follows it.
    service: { ...service, entry: '--cpu-prof', args: [...flags, service.entry] },
    env: { PATH: process.env['PATH'] },
  })
  try {
    await profiled.start()
    const load = (ms: number) =>
      run({
        origin: profiled.url,
        pid: profiled.pid,
        durationMs: ms,
        connections: CONNECTIONS,
        headers: { authorization: `Bearer ${edge.token}` },
        method: 'GET',
        path: () => PATH,
      })
    progress('edge, profile')
    await load(durationMs)
    const from = nowMicros()
    await load(2 * durationMs)
    const until = nowMicros()
    await profiled.end()
    const [file = ''] = await readdir(folder)
    const profile = JSON.parse(await readFile(join(folder, file), 'utf8')) as CpuProfile
    const shares = [...sharesOf(profile, from, until)]
    const large = shares.filter(([, percent]) => percent >= LEAST_PERCENT)
    const rest = shares.slice(large.length).reduce((all, [, percent]) => all + percent, 0)
    const rows = [...large, [`what has less than ${LEAST_PERCENT} %`, rest] as const]
    const row = (percent: number) => ({ '% of the busy time': rounded(percent, 1) })
    return {
      table: Object.fromEntries(rows.map(([owner, percent]) => [owner, row(percent)])),
      samples: Object.fromEntries(shares),
    }
  } finally {
    await profiled.end()
    await rm(folder, { recursive: true, force: true })
  }
}
