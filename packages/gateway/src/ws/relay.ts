import { setTimeout as pause } from 'node:timers/promises'
import { createAdapter } from '@socket.io/redis-streams-adapter'
import type { ServerOptions } from 'socket.io'
import type { RedisLink } from '@potok/core/redis'

export interface RelayOptions {
  link: Pick<RedisLink, 'client'>
  /** Before every key and channel. */
  keyPrefix: string
  /** Messages to other replicas under way at once; more are not told them. */
  pendingMost: number
  /** How long this replica's own sockets wait for the other replicas to be told, milliseconds. */
  patienceMs: number
  /** Something was not told to the other replicas. */
  lost: () => void
}

export interface Relay {
  /** For the socket server. */
  adapter: ServerOptions['adapter']
  close: () => void
}

type Connection = RedisLink['client']

/** Entries of the stream that are kept: a replica that is further behind has lost its connection long ago. */
const STREAM_LENGTH = 10_000
const BLOCK_MS = 5000
const ERROR_PAUSE_MS = 1000

/** That Redis is away is told by the link; here it only means that other replicas hear nothing. */
function silent(connection: Connection): Connection {
  connection.on('error', () => {})
  return connection
}

/** On the terms of the link: what cannot be sent now fails, nothing is sent late. */
const publisherOver = ({ client }: RelayOptions['link']): Connection =>
  silent(client.duplicate({ keyPrefix: '', lazyConnect: false }))

/** On the terms of the adapter: commands wait for Redis as long as it takes, also over a reconnection. */
const subscriberOver = ({ client }: RelayOptions['link']): Connection =>
  silent(
    client.duplicate({
      keyPrefix: '',
      lazyConnect: false,
      enableOfflineQueue: true,
      maxRetriesPerRequest: null,
      autoResendUnfulfilledCommands: true,
      // Reading takes BLOCK_MS by itself.
      socketTimeout: 3 * BLOCK_MS,
    }),
  )

type Reading = [
  block: string,
  ms: number,
  count: string,
  most: number,
  streams: string,
  stream: string,
  offset: string,
]

/** What the adapter uses of a reading connection. Its loop must come to an end, and must not spin on an error. */
function readerOver(connection: Connection, closing: AbortSignal) {
  return {
    on: (event: string, listener: (...values: unknown[]) => void) => connection.on(event, listener),
    disconnect: () => connection.disconnect(),
    subscribe: (channels: string[]) => connection.subscribe(...channels).catch(() => 0),
    /** As the adapter calls it: `BLOCK ms COUNT count STREAMS stream offset`. */
    async xread(...[, ms, , count, , stream, offset]: Reading): Promise<unknown> {
      try {
        return await connection.xread('COUNT', count, 'BLOCK', ms, 'STREAMS', stream, offset)
      } catch (error) {
        // Once closed it never answers: the loop would ask again at once, for ever.
        await pause(ERROR_PAUSE_MS, undefined, { signal: closing, ref: false }).catch(() => hang())
        throw error
      }
    },
  }
}

const hang = (): Promise<never> => new Promise(() => {})

/**
 * Tells other replicas through Redis what may be lost: room messages and wake-ups. The adapter is not given a client but
 * what it uses of one: with a bare one it waits for a Redis that hangs, leaves rejections unheard, and spins on errors.
 */
export function createRelay(options: RelayOptions): Relay {
  const { link, keyPrefix, pendingMost, patienceMs, lost } = options
  const closing = new AbortController()
  const publisher = publisherOver(link)
  const readers: Connection[] = []
  let pending = 0

  /** Never waits long, never rejects: whoever publishes goes on with its own sockets. */
  async function send(command: string, values: readonly (string | number | Buffer)[]) {
    if (publisher.status !== 'ready' || pending >= pendingMost) {
      lost()
      return ''
    }
    pending += 1
    const sent = publisher
      .call(command, ...values)
      .catch(() => lost())
      .finally(() => (pending -= 1))
    const patience = new AbortController()
    const late = pause(patienceMs, undefined, { signal: patience.signal }).catch(() => undefined)
    await Promise.race([sent, late])
    patience.abort()
    return ''
  }

  const adapter = createAdapter(
    {
      options: { lazyConnect: false },
      duplicate() {
        const connection = subscriberOver(link)
        readers.push(connection)
        return readerOver(connection, closing.signal)
      },
      xadd: (values: (string | number)[]) => send('XADD', values),
      publish: (channel: string, payload: Buffer) => send('PUBLISH', [channel, payload]),
    },
    {
      streamName: `${keyPrefix}sockets`,
      channelPrefix: `${keyPrefix}sockets`,
      maxLen: STREAM_LENGTH,
      blockTimeInMs: BLOCK_MS,
    },
  )
  return {
    adapter,
    close(): void {
      closing.abort()
      for (const connection of [publisher, ...readers]) connection.disconnect()
    },
  }
}
