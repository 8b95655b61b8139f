import type { Connection } from './connection.ts'
import { SocketRefusal } from './errors.ts'
import type { Follower } from './follower.ts'
import type { createBucket } from './rate.ts'
import type { PotokSocket, SocketPrincipal } from './server.ts'

type Bucket = ReturnType<typeof createBucket>

/** One socket, and what we know of whoever is behind it. */
export interface Visit {
  readonly socket: PotokSocket
  readonly connection: Connection
  readonly follower: Follower
  /** Rooms that it is in. */
  readonly rooms: Set<string>
  readonly events: Bucket
  readonly messages: Bucket
  /** How many more of its events may be refused. */
  readonly patience: Bucket
  principal: SocketPrincipal | undefined
  /** Closes the socket when its token expires, or when it never authenticates. */
  deadline: NodeJS.Timeout | undefined
  /** Changes of its subscriptions, one after another. */
  turn: Promise<unknown>
  /** How many of them wait. */
  turns: number
  /** Being closed: nothing of it counts any more. */
  isClosing: boolean
}

/** The person behind it, or a refusal. */
export function principalOf({ principal }: Visit): SocketPrincipal {
  if (principal === undefined) throw new SocketRefusal('WS_AUTHENTICATION_REQUIRED')
  return principal
}

/** The sockets of this replica. */
export class Visits {
  readonly #all = new Set<Visit>()
  readonly #byPerson = new Map<string, Set<Visit>>()

  add(visit: Visit): void {
    this.#all.add(visit)
  }

  /** @returns whether it is the person's first socket here */
  identify(visit: Visit, { id }: SocketPrincipal): boolean {
    const sockets = this.#byPerson.get(id) ?? new Set()
    sockets.add(visit)
    this.#byPerson.set(id, sockets)
    return sockets.size === 1
  }

  /** @returns the person whose last socket here it was */
  remove(visit: Visit): string | undefined {
    this.#all.delete(visit)
    const id = visit.principal?.id ?? ''
    const sockets = this.#byPerson.get(id)
    if (sockets?.delete(visit) !== true || sockets.size > 0) return undefined
    this.#byPerson.delete(id)
    return id
  }

  /** Sockets of a person. */
  countOf(id: string): number {
    return this.#byPerson.get(id)?.size ?? 0
  }

  ofSession(sid: string): Visit[] {
    return [...this.#all].filter(({ principal }) => principal?.sid === sid)
  }

  [Symbol.iterator](): IterableIterator<Visit> {
    return this.#all.values()
  }
}
