/** What one client may use of a replica. Names of the variables that set them are in the process's configuration. */
export interface SocketLimits {
  /** Events a second that one socket may send, in the long run … */
  eventsPerSecond: number
  /** … and at once. */
  eventsAtOnce: number
  /** Room messages a second that one socket may send. */
  messagesPerSecond: number
  /** Channels that one socket may follow. */
  channelsPerSocket: number
  /** Events refused for the client's own fault before it is closed; one more is forgiven every second. */
  refusals: number
  /** Packets a second of one connection, whatever they are; ten seconds' worth at once. */
  packetsPerSecond: number
  /** Bytes that may wait for one connection; a client that does not read is cut off … */
  queueBytes: number
  /** … after so many milliseconds above that, or at once at four times as many bytes. */
  queueGraceMs: number
  /** Largest packet of a client, bytes. */
  payloadBytes: number
  /** Connections of one client address. Twice as many are not even answered with a code. */
  connectionsPerAddress: number
  /** Sockets of one person. */
  connectionsPerUser: number
  /** Connections of this replica. */
  connections: number
  /** How long a socket may stay without a token, milliseconds. */
  authenticateWithinMs: number
  /** How long a subscription waits for the first contact with the event log, milliseconds. */
  contactWithinMs: number
  /** Events that may come in while one who resumes is told what was missed. */
  waitingEvents: number
  /** How long a connection that is closed may take to go, milliseconds. */
  closeWithinMs: number
}

export const LIMITS: SocketLimits = {
  eventsPerSecond: 20,
  eventsAtOnce: 200,
  messagesPerSecond: 10,
  channelsPerSocket: 100,
  refusals: 50,
  packetsPerSecond: 200,
  queueBytes: 2 * 1024 * 1024,
  queueGraceMs: 2000,
  payloadBytes: 64 * 1024,
  connectionsPerAddress: 500,
  connectionsPerUser: 50,
  connections: 20_000,
  authenticateWithinMs: 10_000,
  contactWithinMs: 5000,
  waitingEvents: 1000,
  closeWithinMs: 2000,
}
