/**
 * Health: plugins report their parts through `app.health.part(...)`; three routes tell the rest of the world.
 */
import { performance } from 'node:perf_hooks'
import { Type } from '@sinclair/typebox'
import fp from 'fastify-plugin'
import { HealthStatus, Liveness, type PartHealth, Readiness } from '@potok/contracts/health'
import { Problem } from '@potok/contracts/problem'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'

export interface Part {
  /** Key in the full health. */
  name: string
  /** Key in readiness; left out there when undefined. */
  readinessKey?: string
  /** Without it the process cannot do its job: readiness 503, status `error`. */
  required: boolean
  /** Throws or answers `down` when the part cannot be used. Bounded by `checkTimeoutMs`. */
  check: () => Promise<PartHealth | undefined>
}

export interface HealthOptions {
  /** `/health` or `/api/v1/health`. */
  prefix: string
  /** false: the full health is 404, the probes stay. */
  enabled: boolean
  checkTimeoutMs?: number
  /** Shapes `info` of the full health; default: the parts by name. */
  present?: (parts: Record<string, PartHealth>) => Record<string, unknown>
}

interface Health {
  part: (part: Part) => void
  /** Runs every check once. */
  report: () => Promise<Record<string, PartHealth>>
  /** Set by the shutdown: readiness answers 503 from then on. */
  draining: boolean
}

declare module 'fastify' {
  interface FastifyInstance {
    health: Health
  }
}

async function checked(part: Part, timeoutMs: number): Promise<PartHealth> {
  const started = performance.now()
  const latency = (): number => Math.round((performance.now() - started) * 100) / 100
  let timer: NodeJS.Timeout | undefined
  try {
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    })
    const answer = await Promise.race([part.check(), late])
    return { latencyMs: latency(), ...(answer ?? { status: 'up' as const }) }
  } catch (error) {
    const detail = error instanceof Error && 'code' in error ? String(error.code) : 'check failed'
    return { status: 'down', latencyMs: latency(), detail }
  } finally {
    clearTimeout(timer)
  }
}

/** Keeps the parts and asks them. Knows no HTTP. */
export function createHealth(checkTimeoutMs: number) {
  const parts: Part[] = []
  let running: Promise<Record<string, PartHealth>> | undefined

  async function reportOn(some: readonly Part[]): Promise<Record<string, PartHealth>> {
    const results = await Promise.all(
      some.map(async (part) => [part.name, await checked(part, checkTimeoutMs)] as const),
    )
    return Object.fromEntries(results)
  }

  const health: Health = {
    draining: false,
    part(part) {
      parts.push(part)
    },
    report() {
      // Anybody may ask, and often: those who ask at once share one answer.
      running ??= reportOn(parts).finally(() => (running = undefined))
      return running
    },
  }
  return {
    health,
    /** What readiness answers. Only required parts decide, those with a key are told, nobody else is waited for. */
    async readiness(): Promise<Readiness> {
      const told = parts.filter(({ readinessKey }) => readinessKey !== undefined)
      const report = await reportOn(parts.filter((part) => part.required || told.includes(part)))
      const up = (part: Part): boolean => report[part.name]?.status === 'up'
      return {
        ...Object.fromEntries(told.map((part) => [part.readinessKey, up(part)])),
        ready: !health.draining && parts.every((part) => !part.required || up(part)),
      }
    },
    status(report: Record<string, PartHealth>): 'ok' | 'degraded' | 'error' {
      const down = parts.filter(({ name }) => report[name]?.status === 'down')
      if (down.some(({ required }) => required)) return 'error'
      return down.length > 0 ? 'degraded' : 'ok'
    },
  }
}

const config = { public: true, quiet: true, rateLimit: false as const }
const tags = ['operations']
const refused = { '4xx': Problem }

type Parts = ReturnType<typeof createHealth>
type RoutesOptions = {
  parts: Parts
  enabled: boolean
  present: NonNullable<HealthOptions['present']>
}

const routes: FastifyPluginAsyncTypebox<RoutesOptions> = async (
  app,
  { parts, enabled, present },
) => {
  app.get(
    '/liveness',
    {
      config,
      schema: { tags, summary: 'The process turns', response: { 200: Liveness, ...refused } },
    },
    async () => ({ status: 'ok' as const }),
  )
  app.get(
    '/readiness',
    {
      config,
      schema: {
        tags,
        summary: 'The process can do its job',
        response: { 200: Readiness, 503: Readiness, ...refused },
      },
    },
    async (_request, reply) => {
      const readiness = await parts.readiness()
      return reply.code(readiness.ready ? 200 : 503).send(readiness)
    },
  )
  if (!enabled) return
  const Full = Type.Object({
    status: HealthStatus,
    info: Type.Record(Type.String(), Type.Unknown()),
  })
  app.get(
    '',
    {
      config,
      schema: {
        tags,
        summary: 'Health of each part',
        response: { 200: Full, 503: Full, ...refused },
      },
    },
    async (_request, reply) => {
      const report = await parts.health.report()
      const status = parts.status(report)
      return reply.code(status === 'error' ? 503 : 200).send({ status, info: present(report) })
    },
  )
}

export default fp<HealthOptions>(
  async (app, { prefix, enabled, checkTimeoutMs = 2000, present = (parts) => parts }) => {
    const parts = createHealth(checkTimeoutMs)
    app.decorate('health', parts.health)
    await app.register(routes, { prefix, parts, enabled, present })
  },
  { name: '@potok/health', fastify: '5.x' },
)
