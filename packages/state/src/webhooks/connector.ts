import { lookup, type LookupAddress } from 'node:dns'
import type { Socket } from 'node:net'
import { buildConnector } from 'undici'
import type { TargetGuard } from './target-guard.ts'

/** A delivery would have reached an address that it must not reach. */
export class TargetForbidden extends Error {
  readonly code = 'WEBHOOKS_TARGET_FORBIDDEN'

  constructor(host: string, address: string) {
    super(`${host} leads to ${address}, which is not public and not in WEBHOOK_ALLOWED_TARGETS`)
  }
}

type Done = Parameters<buildConnector.connector>[1]
type LookupDone = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void

export interface ConnectorOptions {
  guard: TargetGuard
  connectTimeoutMs: number
  /** How names become addresses; a test brings its own. */
  resolve?: typeof lookup
}

/**
 * Connects for deliveries, in three layers: what the URL spells out (a lookup is never asked about that), every
 * address that a name resolves to, and the address really connected to.
 */
export function createConnector(options: ConnectorOptions): buildConnector.connector {
  const { guard, connectTimeoutMs, resolve = lookup } = options
  const open = buildConnector({ timeout: connectTimeoutMs, lookup: resolve })
  const guarded = buildConnector({
    timeout: connectTimeoutMs,
    lookup(hostname, asked, done: LookupDone) {
      resolve(hostname, { ...asked, all: true }, (error, addresses) => {
        if (error !== null) return done(error, [])
        // One bad answer spoils all: which of them would be connected to is not ours to know.
        const bad = addresses.find(({ address }) => !guard.allowsAddress(address))
        if (bad !== undefined) return done(new TargetForbidden(hostname, bad.address), [])
        const [first] = addresses
        if (asked.all === true || first === undefined) return done(null, addresses)
        return done(null, first.address, first.family)
      })
    },
  })

  /** Undici would begin to write: only to an address that is allowed. */
  function checked(host: string, done: Done): Done {
    return (...[error, socket]) => {
      if (error !== null) return done(error, null)
      const address = remoteAddress(socket)
      if (guard.allowsAddress(address)) return done(null, socket)
      socket.destroy()
      return done(new TargetForbidden(host, address), null)
    }
  }

  return (asked, done) => {
    const { hostname, protocol, port } = asked
    if (guard.allowsOrigin(new URL(`${protocol}//${asked.host ?? `${hostname}:${port}`}`).origin)) {
      return open(asked, done)
    }
    const literal = guard.literalOf(hostname)
    if (literal !== undefined && !guard.allowsAddress(literal)) {
      return done(new TargetForbidden(hostname, literal), null)
    }
    return guarded(asked, checked(hostname, done))
  }
}

const remoteAddress = (socket: Socket): string => socket.remoteAddress ?? 'an unknown address'
