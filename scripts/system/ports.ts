import { createServer } from 'node:net'
import type { Service } from './services.ts'

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const probe = createServer()
    probe.once('error', () => done(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)))
  })
}

/** One sentence per port that somebody else holds. */
export async function takenPorts(services: readonly Service[]): Promise<string[]> {
  const checks = services.map(async ({ title, port, variable }) =>
    (await isFree(port))
      ? []
      : [`${title}: port ${port} is in use. Set ${variable} to another one.`],
  )
  return (await Promise.all(checks)).flat()
}

/** Ports of 127.0.0.1 that nobody listens on, for systems that must not meet a running one. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((done, fail) => {
          const server = createServer()
          server.once('error', fail)
          server.listen(0, '127.0.0.1', () => done(server))
        }),
    ),
  )
  return Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((done) => {
          const address = server.address()
          const port = typeof address === 'object' && address !== null ? address.port : 0
          server.close(() => done(port))
        }),
    ),
  )
}
