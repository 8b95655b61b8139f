/**
 * Docs: the gateway's OpenAPI document with those of the services behind it, as far as they can be reached through it.
 */
import fp from 'fastify-plugin'
import '@potok/core/docs'
import { createParser } from '@potok/core/validation'
import { TARGETS } from '../proxy/index.ts'
import { UPSTREAM_NAMES, type Upstream } from '../upstreams/index.ts'
import { compose } from './compose.ts'
import { DocumentNotRead } from './errors.ts'
import { ApiDocument } from './schemas.ts'
import { createSource } from './sources.ts'

export interface DocsOptions {
  /** How long the document of a service is taken as current, milliseconds. */
  ttlMs: number
  /** Epoch milliseconds. */
  now?: () => number
}

const parse = createParser(ApiDocument)

/** Where every service has its document. */
const DOCUMENT = '/api-docs/json'
/** A reader of the docs waits for a service that hangs no longer than this. */
const DEADLINE_MS = 2000

/** @throws DocumentNotRead, and what the client throws */
async function read({ name, request }: Upstream): Promise<ApiDocument> {
  const { status, body } = await request({
    method: 'GET',
    path: DOCUMENT,
    deadlineMs: DEADLINE_MS,
  })
  if (status !== 200) throw new DocumentNotRead(name, status)
  return parse(body.json())
}

export default fp<DocsOptions>(
  async (app, { ttlMs, now = Date.now }) => {
    const log = app.log.child({ context: 'Docs' })
    const sources = UPSTREAM_NAMES.flatMap((name) => {
      const upstream = app.upstreams[name]
      if (upstream === undefined) return []
      return [createSource({ name, read: () => read(upstream), ttlMs, now, log })]
    })
    app.docs.show = async (own) =>
      compose(parse(own), await Promise.all(sources.map((source) => source())), TARGETS)
  },
  {
    name: '@potok/gateway-docs',
    fastify: '5.x',
    dependencies: ['@potok/docs', '@potok/gateway-upstreams', '@potok/gateway-proxy'],
  },
)
