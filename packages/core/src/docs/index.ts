/**
 * Docs: an OpenAPI document made from the routes' schemas, with Swagger UI in front of it.
 */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import { hoistTitled } from './hoist-titled.ts'

export interface DocsOptions {
  /** `/api-docs` or `/api/docs`; the document is at `<path>/json`. */
  path: string
  title: string
  description: string
  /** How callers prove who they are. */
  security: 'apiKey' | 'bearer'
}

const SCHEMES = {
  apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
  bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
} as const

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
        schema: route.config?.public === true ? { security: [], ...schema } : schema,
        url,
      }),
      transformObject: (document) =>
        'openapiObject' in document ? hoistTitled(document.openapiObject) : document.swaggerObject,
    })
    await app.register(async (scope) => {
      scope.addHook('onRoute', (route) => {
        route.config = { ...route.config, public: true, quiet: true }
      })
      await scope.register(swaggerUi, {
        routePrefix: path,
        staticCSP: true,
        uiConfig: { docExpansion: 'list', persistAuthorization: true, tryItOutEnabled: true },
      })
    })
  },
  { name: '@potok/docs', fastify: '5.x' },
)
