import type { Keeping } from '../response-cache/index.ts'
import type { UpstreamName } from '../upstreams/index.ts'

/** What is passed on, and to whom. */
export interface Target {
  /** Everything under this path of ours … */
  prefix: string
  /** … goes to this service … */
  service: UpstreamName
  /** … under this path of its. */
  path: string
  /**
   * It takes no notice of an `Idempotency-Key`: none is passed on, so that a request that is not safe is not sent again
   * for having one.
   */
  ignoresKeys?: true
  /** Its answers may be kept; `optional`: when the operator wants it. */
  keeping?: Keeping & { optional?: boolean }
}

/** Prefixes must not lie inside one another: see {@link checkTargets}. */
export const TARGETS: readonly Target[] = [
  {
    prefix: '/api/v1/states',
    service: 'state',
    path: '/api/v1/states',
    keeping: { sharedBy: 'person', isFollowed: true, optional: true },
  },
  {
    prefix: '/api/v1/machines',
    service: 'state',
    path: '/api/v1/machines',
    // Rules are the same for all who may read them. No event tells of new ones.
    keeping: { sharedBy: 'rights', isFollowed: false },
  },
  { prefix: '/api/v1/webhooks', service: 'state', path: '/api/v1/webhooks' },
  { prefix: '/api/v1/events', service: 'state', path: '/api/v1/events' },
  { prefix: '/api/v1/admin', service: 'admin', path: '/api/v1', ignoresKeys: true },
  { prefix: '/api/v1/tasks', service: 'task', path: '/api/v1/tasks' },
  { prefix: '/api/v1/distribution', service: 'task', path: '/api/v1/distribution' },
  {
    prefix: '/api/v1/analytics',
    service: 'task',
    path: '/api/v1/analytics',
    keeping: { sharedBy: 'person', isFollowed: true },
  },
]

/** Where the gateway has what the service has under `path`; undefined when nowhere. */
export function outsideOf(path: string, { prefix, path: inside }: Target): string | undefined {
  if (path !== inside && !path.startsWith(`${inside}/`)) return undefined
  return prefix + path.slice(inside.length)
}

/** @throws Error when one prefix would take another's requests */
export function checkTargets(targets: readonly Target[]): void {
  for (const { prefix } of targets) {
    const inside = targets.filter((other) => `${other.prefix}/`.startsWith(`${prefix}/`))
    if (inside.length > 1) throw new Error(`The proxied prefix ${prefix} is given twice`)
  }
}
