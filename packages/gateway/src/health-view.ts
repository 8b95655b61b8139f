import type { PartHealth } from '@potok/contracts/health'
import { UPSTREAM_NAMES } from './upstreams/index.ts'

/** The shape of the health that was commissioned: Redis, the services, and whatever else there is beside them. */
export function presentHealth(parts: Record<string, PartHealth>): Record<string, unknown> {
  const { redis = { status: 'off' as const }, ...others } = parts
  const microservices = Object.fromEntries(
    UPSTREAM_NAMES.flatMap((name) => {
      const part = parts[name]
      return part === undefined ? [] : [[name, part.status]]
    }),
  )
  const rest = Object.entries(others).filter(([name]) => !(name in microservices))
  return {
    redis: { connected: redis.status === 'up', memory: null, ...redis },
    microservices,
    ...Object.fromEntries(rest),
  }
}
