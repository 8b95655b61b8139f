import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { Profile, TokenPair } from '@potok/contracts/auth'
import { Problem } from '@potok/contracts/problem'
import { Credentials } from '@potok/contracts/user'
import { forwardedContext } from '@potok/core/correlation'
import { addressKey } from '@potok/core/rate-limit'
import { CHALLENGE } from './bearer.ts'
import { SessionEnded, SessionUnknown } from './errors.ts'
import type { LinkCodes } from './link-codes.ts'
import type { Client, Login } from './login.ts'
import type { ChangePassword } from './password-change.ts'
import type { People } from './people.ts'
import {
  LinkCode,
  OwnPasswordChange,
  RefreshRequest,
  SessionList,
  SessionParams,
  type Session,
} from './schemas.ts'
import type { SessionRow } from './session-rows.ts'
import type { Sessions } from './sessions.ts'

export interface AuthRoutesOptions {
  login: Login
  sessions: Pick<Sessions, 'list'>
  people: Pick<People, 'byId'>
  linkCodes: Pick<LinkCodes, 'create'>
  changePassword: ChangePassword
}

const tags = ['auth']
const iso = (ms: number): string => new Date(ms).toISOString()

function clientOf(request: FastifyRequest): Client {
  return {
    place: addressKey(request),
    userAgent: request.headers['user-agent'] ?? '',
    context: forwardedContext(request),
    log: request.log.child({ context: 'AuthModule' }),
  }
}

const doors: FastifyPluginAsyncTypebox<AuthRoutesOptions> = async (app, options) => {
  const { login, changePassword } = options
  app.addHook('onSend', async (_request, reply) => {
    // RFC 6749 §5.1: tokens must not be kept by anything on the way.
    reply.header('cache-control', 'no-store')
    // RFC 9110 §11.6.1: so says every 401.
    if (reply.statusCode === 401) reply.header('www-authenticate', CHALLENGE)
  })
  const config = { public: true }
  app.post(
    '/login',
    {
      config,
      schema: {
        tags,
        summary: 'Log in with user name and password',
        security: [],
        body: Credentials,
        response: { 200: TokenPair, '4xx': Problem, '5xx': Problem },
      },
    },
    (request) => login.login(request.body, clientOf(request)),
  )
  app.post(
    '/refresh',
    {
      config,
      schema: {
        tags,
        summary: 'Exchange a refresh token for a new pair; it works once',
        security: [],
        body: RefreshRequest,
        response: { 200: TokenPair, '4xx': Problem, '5xx': Problem },
      },
    },
    (request) => login.refresh(request.body.refresh_token, clientOf(request)),
  )
  app.post(
    '/password',
    {
      onRequest: app.requireUser,
      schema: {
        tags,
        summary: 'Another password for me; all my sessions end, the answer is a new one',
        body: OwnPasswordChange,
        response: { 200: TokenPair, '4xx': Problem, '5xx': Problem },
      },
    },
    (request) => changePassword(request.principal, request.body, clientOf(request)),
  )
}

const person: FastifyPluginAsyncTypebox<AuthRoutesOptions> = async (app, options) => {
  const { people, linkCodes } = options
  const onRequest = app.requireUser
  app.get(
    '/profile',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Who am I',
        response: { 200: Profile, '4xx': Problem, '5xx': Problem },
      },
    },
    async (request) => {
      const user = await people.byId(request.principal.id, forwardedContext(request))
      if (user === undefined) throw new SessionEnded()
      const { id, username, displayName, roles, maxUserId } = user
      return { id, username, displayName, roles, ...(maxUserId !== undefined && { maxUserId }) }
    },
  )
  app.post(
    '/link-code',
    {
      onRequest,
      schema: {
        tags,
        summary: 'A code to say to the bot, so that it knows this person',
        response: { 201: LinkCode, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const { code, expiresAt } = await linkCodes.create(request.principal.id)
      return reply.code(201).send({ code, expiresAt: iso(expiresAt) })
    },
  )
}

const ownSessions: FastifyPluginAsyncTypebox<AuthRoutesOptions> = async (app, options) => {
  const { login, sessions } = options
  const onRequest = app.requireUser
  app.post(
    '/logout',
    {
      onRequest,
      schema: { tags, summary: 'End this session', response: { 204: Type.Null(), '4xx': Problem } },
    },
    async ({ principal }, reply) => {
      await login.end(principal.sid, principal.id, 'logout')
      return reply.code(204).send(null)
    },
  )
  app.get(
    '/sessions',
    {
      onRequest,
      schema: {
        tags,
        summary: 'My sessions, newest first',
        response: { 200: SessionList, '4xx': Problem },
      },
    },
    async ({ principal }) => {
      const rows = await sessions.list(principal.id)
      return { items: rows.map((row) => sessionView(row, principal.sid)) }
    },
  )
  app.delete(
    '/sessions/:id',
    {
      onRequest,
      schema: {
        tags,
        summary: 'End one of my sessions',
        params: SessionParams,
        response: { 204: Type.Null(), '4xx': Problem },
      },
    },
    async ({ principal, params }, reply) => {
      if (!(await login.end(params.id, principal.id, 'ended_by_owner'))) throw new SessionUnknown()
      return reply.code(204).send(null)
    },
  )
}

const sessionView = (row: SessionRow, current: string): Session => ({
  id: row.id,
  createdAt: iso(row.created_at),
  lastRefreshAt: iso(row.rotated_at),
  expiresAt: iso(row.expires_at),
  userAgent: row.user_agent,
  current: row.id === current,
})

export const routes: FastifyPluginAsyncTypebox<AuthRoutesOptions> = async (app, options) => {
  // Without the prefix, which would count twice.
  const { login, sessions, people, linkCodes, changePassword } = options
  const parts = { login, sessions, people, linkCodes, changePassword }
  await app.register(doors, parts)
  await app.register(person, parts)
  await app.register(ownSessions, parts)
}
