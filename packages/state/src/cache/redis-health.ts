import type { PartHealth } from '@potok/contracts/health'
import type { RedisLink } from '@potok/core/redis'

/** How the configured ones do, together and each. */
export async function redisHealth(links: ReadonlyMap<string, RedisLink>): Promise<PartHealth> {
  const levels = await Promise.all(
    [...links].map(async ([name, link]) => [name, await link.status()] as const),
  )
  const isDown = levels.some(([, { status }]) => status === 'down')
  return { status: isDown ? 'down' : 'up', ...Object.fromEntries(levels) }
}
