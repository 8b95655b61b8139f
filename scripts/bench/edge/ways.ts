import { median, rounded } from '../statistics.ts'
import { run, type Load, type Sample } from '../requests/load.ts'
import { openLoop, type OpenSample } from './open-loop.ts'
import type { BenchOptions, SuiteResult } from '../suite.ts'
import type { Edge } from './subjects.ts'

/** One way to the same upstream. */
interface Way {
  name: string
  pid: number
  origin: string
  path: string
  headers: Record<string, string>
}

interface WayRow {
  name: string
  perSecond: number
  cpuMicros: number
  /** CPU a request, as a multiple of the bare pass-through and of @fastify/http-proxy: medians of the rounds' ratios. */
  ofBare: number
  ofHttpProxy: number
  /** Open loop at 30 % of what the gateway can do, milliseconds. */
  p50Ms: number
  p99Ms: number
  samples: Sample[]
  openSamples: OpenSample[]
}

const BARE = 'node:http + undici, bare'
const HTTP_PROXY = '@fastify/http-proxy, bare'
const OURS = 'gateway, everything on'
const CONNECTIONS = 32
const PART_OF_CAPACITY = 0.3

function waysTo(edge: Edge): Way[] {
  const path = '/api/v1/tasks/task_1'
  const bearer = { authorization: `Bearer ${edge.token}` }
  const { passThrough, httpProxy, gateway } = edge
  const ours = { pid: gateway.pid, origin: gateway.url }
  return [
    ...edge.programs.map(({ name, pid, url }) => ({ name, pid, origin: url, path, headers: {} })),
    { name: BARE, pid: passThrough.pid, origin: passThrough.url, path, headers: {} },
    { name: HTTP_PROXY, pid: httpProxy.pid, origin: httpProxy.url, path, headers: {} },
    { name: OURS, ...ours, path, headers: bearer },
  ]
}

/** What the gateway costs beside other ways, and what it adds while it is not busy. */
export async function measureWays(edge: Edge, options: BenchOptions): Promise<SuiteResult> {
  const samples = await compareWays(edge, options)
  const rows = samples.map((row) => [
    row.name,
    {
      '/s': Math.round(row.perSecond),
      'µs CPU': Math.round(row.cpuMicros),
      'of bare': rounded(row.ofBare),
      'of http-proxy': rounded(row.ofHttpProxy),
      'p50 ms at 30 %': rounded(row.p50Ms),
      'p99 ms at 30 %': rounded(row.p99Ms),
    },
  ])
  return { table: Object.fromEntries(rows) as SuiteResult['table'], samples }
}

/** The ways in turn, round after round, so that what disturbs the machine disturbs all of them. */
async function compareWays(
  edge: Edge,
  { rounds, durationMs, progress }: Pick<BenchOptions, 'rounds' | 'durationMs' | 'progress'>,
): Promise<WayRow[]> {
  const measured = waysTo(edge).map((way) => ({
    way,
    samples: [] as Sample[],
    openSamples: [] as OpenSample[],
  }))
  const load = ({ origin, pid, path, headers }: Way, ms: number): Load => ({
    origin,
    pid,
    headers,
    method: 'GET',
    path: () => path,
    connections: CONNECTIONS,
    durationMs: ms,
  })
  // What is slow until it was compiled is measured when it is warm.
  for (const { way } of measured) await run(load(way, durationMs))
  for (let round = 1; round <= rounds; round += 1) {
    for (const { way, samples } of measured) {
      progress(`edge, round ${round}/${rounds}: ${way.name}`)
      samples.push(accepted(way, await run(load(way, durationMs))))
    }
  }
  const capacity = median(find(measured, OURS).samples.map(({ perSecond }) => perSecond))
  const perSecond = Math.round(capacity * PART_OF_CAPACITY)
  for (let round = 1; round <= rounds; round += 1) {
    for (const { way, openSamples } of measured) {
      progress(`edge at ${perSecond}/s, round ${round}/${rounds}: ${way.name}`)
      openSamples.push(await openLoop({ ...way, perSecond, durationMs }))
    }
  }
  return rowsOf(measured)
}

type Measured = { way: Way; samples: Sample[]; openSamples: OpenSample[] }

function find(measured: Measured[], name: string): Measured {
  const found = measured.find(({ way }) => way.name === name)
  if (found === undefined) throw new Error(`Not measured: ${name}`)
  return found
}

function accepted({ name }: Way, sample: Sample): Sample {
  if (sample.refused > 0) throw new Error(`${name}: ${sample.refused} requests were refused`)
  return sample
}

function rowsOf(measured: Measured[]): WayRow[] {
  const bare = find(measured, BARE).samples
  const httpProxy = find(measured, HTTP_PROXY).samples
  return measured.map(({ way, samples, openSamples }) => {
    const ratio = (to: Sample[]): number =>
      median(samples.map((one, i) => one.cpuMicros / (to[i]?.cpuMicros ?? Number.NaN)))
    return {
      name: way.name,
      perSecond: median(samples.map((one) => one.perSecond)),
      cpuMicros: median(samples.map((one) => one.cpuMicros)),
      ofBare: ratio(bare),
      ofHttpProxy: ratio(httpProxy),
      p50Ms: median(openSamples.map((one) => one.p50Ms)),
      p99Ms: median(openSamples.map((one) => one.p99Ms)),
      samples,
      openSamples,
    }
  })
}
