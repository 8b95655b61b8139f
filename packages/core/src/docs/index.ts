/**
 * Docs: an OpenAPI document made from the routes' schemas, with Swagger UI in front of it. `app.docs.show` may be set to
 * show more than the process's own document.
 */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { hoistTitled } from './hoist-titled.ts'
import { operationId } from './operation-id.ts'
import { optionalDefaults } from './optional-defaults.ts'
import { problemContent } from './problem-content.ts'

export { operationId } from './operation-id.ts'

export interface DocsOptions {
  /** `/api-docs` or `/api/docs`; the document is at `<path>/json`. */
  path: string
  title: string
  description: string
  /** How callers prove who they are. */
  security: 'apiKey' | 'bearer'
}

interface Docs {
  /** What is shown, given the process's own document, which it must not change. */
  show: (own: object) => Promise<object> | object
}

declare module 'fastify' {
  interface FastifyInstance {
    docs: Docs
  }
}

const SCHEMES = {
  apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
  bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
} as const

/**
 * The library's policy for its page. Everything is asked of the page's own origin: upgrading would leave a blank page
 * wherever there is no TLS yet. Swagger UI brings styles of its own with the answers that it shows; the page says nothing
 * that a stranger wrote.
 */
const pagePolicy = (policy: string): string =>
  policy
    .replace(/\s*upgrade-insecure-requests;/u, '')
    .replace(/style-src 'self' https:/u, "style-src 'self' 'unsafe-inline'")

/** The pages, and the document as `app.docs.show` makes it. */
async function userInterface(scope: FastifyInstance, { path }: Pick<DocsOptions, 'path'>) {
  const shown = new WeakMap<FastifyRequest, object>()
  scope.addHook('onRoute', (route) => {
    route.config = { ...route.config, public: true, quiet: true }
  })
  scope.addHook('preHandler', async (request) => {
    const { url } = request.routeOptions
    if (url !== `${path}/json` && url !== `${path}/yaml`) return
    shown.set(request, await scope.docs.show(scope.swagger()))
  })
  await scope.register(swaggerUi, {
    routePrefix: path,
    staticCSP: true,
    transformStaticCSP: pagePolicy,
    // The library's hook for this cannot wait for anything.
    transformSpecification: (own, request) => shown.get(request) ?? own,
    transformSpecificationClone: false,
    uiConfig: { docExpansion: 'list', persistAuthorization: true, tryItOutEnabled: true },
  })
}

export default fp<DocsOptions>(
  async (app, { path, title, description, security }) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title,
          description,
          version: '1.0.0',
          license: { name: 'UNLICENSED', url: 'about:blank' },
        },
        servers: [{ url: '/', description: 'This service' }],
        components: { securitySchemes: { [security]: SCHEMES[security] } },
        security: [{ [security]: [] }],
      },
      hideUntagged: true,
      // What anybody may call shows no lock.
      transform: ({ schema, url, route }) => ({
        schema: {
          operationId: operationId([route.method].flat().join(''), url),
          ...(route.config?.public === true && { security: [] }),
          ...optionalDefaults(schema),
        },
        url,
      }),
      transformObject: (document) =>
        'openapiObject' in document
          ? problemContent(hoistTitled(document.openapiObject))
          : document.swaggerObject,
    })
    const docs: Docs = { show: (own) => own }
    app.decorate('docs', docs)
    await app.register(userInterface, { path })
  },
  { name: '@potok/docs', fastify: '5.x' },
)
