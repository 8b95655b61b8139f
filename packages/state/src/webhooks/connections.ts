import { Agent } from 'undici'
import { createConnector, type ConnectorOptions } from './connector.ts'

/** The other side hung up, or had done so already. */
const DEAD = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

const codeOf = (error: object): unknown => ('code' in error ? error.code : undefined)

/** Undici's own errors about sockets tell how much had been read from them. */
function bytesRead(error: object): number {
  if (!('socket' in error) || typeof error.socket !== 'object' || error.socket === null) return 0
  const { socket } = error
  return 'bytesRead' in socket && typeof socket.bytesRead === 'number' ? socket.bytesRead : 0
}

/** The connections of all deliveries, kept alive between them. */
export function createConnections(options: ConnectorOptions) {
  /** Errors of connections that had answered before. */
  const afterAnswers = new WeakSet<Error>()
  const connect = createConnector(options)
  const agent = new Agent({
    connect: (asked, done) =>
      connect(asked, (...[error, socket]) => {
        if (error !== null) return done(error, null)
        const fresh = socket.bytesRead
        socket.prependListener('error', (fault) => {
          if (socket.bytesRead > fresh) afterAnswers.add(fault)
        })
        return done(null, socket)
      }),
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: 16_384,
  })
  return {
    agent,
    /** Did a connection die that had been kept alive? It may have been closed before the request was seen. */
    diedWhileKept(error: unknown): boolean {
      if (!(error instanceof Error) || !DEAD.has(String(codeOf(error)))) return false
      return afterAnswers.has(error) || bytesRead(error) > 0
    },
    close: (): Promise<void> => agent.destroy(),
  }
}

export type Connections = ReturnType<typeof createConnections>
