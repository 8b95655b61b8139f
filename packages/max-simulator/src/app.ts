/**
 * A local MAX messenger: the Bot API, the control API and the chat page over one platform in memory. A development and test
 * tool; tests of a bot may build it in their own process.
 */
import Fastify, { type FastifyInstance } from 'fastify'
import { answerAs } from './answers.ts'
import { botApi } from './bot-api/index.ts'
import { control } from './control/index.ts'
import { silentLog } from './log.ts'
import { loopbackOnly } from './loopback.ts'
import { page } from './page/index.ts'
import { createPlatform, type Platform, type PlatformOptions } from './platform/platform.ts'

export interface SimulatorOptions extends PlatformOptions {
  /** What the bot must send in Authorization. */
  token?: string
}

export interface Simulator {
  /** Not listening yet. Closing it ends pushes, polls and streams. */
  readonly app: FastifyInstance
  /** The platform itself: what the control API does, without HTTP. */
  readonly platform: Platform
}

export const DEFAULT_TOKEN = 'simulator-token'
const BODY_LIMIT_BYTES = 1024 * 1024

export async function buildSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { token = DEFAULT_TOKEN, log = silentLog, ...platformOptions } = options
  const platform = createPlatform({ ...platformOptions, log })
  const app = Fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    // Long polls, hanging requests and streams would otherwise keep a closing process.
    forceCloseConnections: true,
    // Nothing is converted or dropped silently: the platform does not either.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  })
  app.addHook('preClose', async () => platform.close())
  app.setNotFoundHandler(async (request, reply) => {
    const { method, url, headers, body, query } = request
    const [path = ''] = url.split('?', 1)
    // Whoever shows a token means the Bot API.
    if (headers.authorization !== undefined) {
      platform.conformance.request(`${method} ${path}`, { query: { ...Object(query) }, body })
    }
    return reply.code(404).send({ code: 'not.found', message: 'Resource not found' })
  })
  await app.register(async (part) => {
    answerAs(part, 'proto.payload', log)
    await part.register(botApi, { platform, token })
  })
  await app.register(
    async (part) => {
      answerAs(part, 'control.invalid', log)
      loopbackOnly(part)
      await part.register(control, { platform })
    },
    { prefix: '/control' },
  )
  await app.register(async (part) => {
    loopbackOnly(part)
    await part.register(page)
  })
  return { app, platform }
}
