import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { Type } from '@sinclair/typebox'
import { onTestFinished } from 'vitest'
import { TokenPair } from '@potok/contracts/auth'
import { readConfig } from '@potok/core/config'
import { createLogger } from '@potok/core/logging'
import { createParser } from '@potok/core/validation'
import { buildApp, type AppOptions } from '../app.ts'
import { Config } from '../config.ts'
import { person, startAdminService } from './admin-service.ts'

const parseLine = createParser(Type.Record(Type.String(), Type.Unknown()))
const parsePair = createParser(TokenPair)

/**
 * A service behind the gateway, as bare as a socket lets it be, so that it can misbehave. What the gateway asks on its
 * own account gets a 404 and is not among the requests.
 */
export async function startService(listener: RequestListener) {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    if (request.headers.via === undefined) {
      response.writeHead(request.url === '/health/readiness' ? 200 : 404).end()
      return
    }
    requests.push(request)
    listener(request, response)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  onTestFinished(close)
  return { url: `http://127.0.0.1:${portOf(server.address())}`, requests, close }
}

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === 'object' && address !== null ? address.port : 0

/** An origin where nobody listens. */
export async function deadOrigin(): Promise<string> {
  const { url, close } = await startService(() => {})
  await close()
  return url
}

/** What the gateway of the tests signs access tokens with. */
export const ACCESS_SECRET = 'the access secret of the gateway under test'

/** The whole gateway on a free port, with an admin service that knows one person of each role. */
export async function startGateway(env: Record<string, string> = {}, options: AppOptions = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'potok-gateway-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
  const admin = await startAdminService([
    person('member', { roles: ['member'] }),
    person('manager', { roles: ['manager'] }),
    person('admin', { roles: ['admin'] }),
  ])
  onTestFinished(() => admin.close())
  const lines: Record<string, unknown>[] = []
  const config = readConfig(Config, {
    PORT: '0',
    LOG_FORMAT: 'json',
    THROTTLE_LIMIT: '100000',
    JWT_SECRET: ACCESS_SECRET,
    // What else runs on the machine must not decide what a test sees.
    OVERLOAD_DELAY_MS: '0',
    POTOK_DATA_DIR: dataDir,
    ADMIN_SERVICE_URL: admin.url,
    STATE_SERVICE_URL: await deadOrigin(),
    ADMIN_SERVICE_API_KEY: 'key for admin',
    STATE_SERVICE_API_KEY: 'key for state',
    MAX_BOT_MODE: 'off',
    ...env,
  })
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(parseLine(JSON.parse(chunk.toString())))
      done()
    },
  })
  const app = await buildApp(config, createLogger(config, destination), options)
  onTestFinished(() => app.close())
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, url, admin, lines, ...callers(url) }
}

function callers(url: string) {
  /** A bearer header of a fresh login. */
  async function as(username: 'member' | 'manager' | 'admin') {
    const answer = await fetch(`${url}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, password: `password of ${username}` }),
    })
    const { access_token: token } = parsePair(await answer.json())
    return { authorization: `Bearer ${token}` }
  }

  /** Sends bytes as they are and collects what comes back until the connection closes. */
  function raw(bytes: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(url)
      const socket = connect(Number(port), hostname, () => socket.write(bytes))
      let answer = ''
      socket.setEncoding('utf8')
      socket.on('data', (text) => {
        answer += text
      })
      socket.on('error', reject)
      socket.on('close', () => resolve(answer))
    })
  }
  return { as, raw, host: new URL(url).host }
}
