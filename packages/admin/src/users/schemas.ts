import { Type, type Static } from '@sinclair/typebox'
import { Problem } from '@potok/contracts/problem'
import { Timestamp } from '@potok/contracts/identifiers'
import {
  AccessChangePage,
  Credentials,
  MaxUserId,
  PasswordChange,
  Role,
  User,
  UserChange,
  UserCreate,
} from '@potok/contracts/user'
import { IfMatch, IfNoneMatch } from '../lib/conditional-headers.ts'
import { PageCursor, PageLimit } from '../lib/page-cursor.ts'

/** The id of a person, or `@username`. */
const UserRef = Type.String({
  pattern: '^(?:[A-Za-z0-9][A-Za-z0-9._:-]{0,127}|@[A-Za-z0-9][A-Za-z0-9._-]{0,63})$',
  description: 'Id of the person, or `@username`',
  examples: ['@ivan.petrov'],
})

export const UserParams = Type.Object({ id: UserRef })

/** PostgreSQL cannot even compare with a text that has a NUL. */
const SearchText = (description: string, example: string) =>
  Type.String({
    minLength: 1,
    maxLength: 128,
    pattern: '^[^\\u0000]*$',
    description,
    examples: [example],
  })

const UserFilter = Type.Object(
  {
    role: Type.Optional(Role),
    active: Type.Optional(Type.Boolean({ examples: [true] })),
    skill: Type.Optional(SearchText('Has this skill, whatever the case', 'дизайн')),
    username: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
        description: 'Exactly this name, whatever the case',
        examples: ['ivan.petrov'],
      }),
    ),
    maxUserId: Type.Optional(MaxUserId),
    q: Type.Optional(SearchText('Part of the username or the display name', 'иван')),
    limit: Type.Optional(PageLimit),
    cursor: Type.Optional(PageCursor),
  },
  { additionalProperties: false },
)
export type UserFilter = Static<typeof UserFilter>

/** Ordered by username. Without `nextCursor` there is no more. */
const UserPage = Type.Object(
  { items: Type.Array(User), nextCursor: Type.Optional(PageCursor) },
  { title: 'UserPage' },
)
export type UserPage = Static<typeof UserPage>

const AccessChangeFilter = Type.Object(
  {
    since: Type.Optional(Timestamp),
    limit: Type.Optional(Type.Integer({ ...PageLimit, default: 500, examples: [500] })),
    cursor: Type.Optional(PageCursor),
  },
  { additionalProperties: false },
)
export type AccessChangeFilter = Static<typeof AccessChangeFilter>

/** What the environment says about the person that a first start makes. */
export interface FirstPerson {
  username: string
  password: string
}

const tags = ['users']
const params = UserParams
const Nothing = (description: string) => Type.Null({ description })
const conditional = { headers: Type.Object({ 'if-match': IfMatch }), params, tags }

/** What each route takes and answers. */
export const operations = {
  create: {
    tags,
    summary: 'Make a person',
    body: UserCreate,
    response: { 201: User, '4xx': Problem, 503: Problem },
  },
  list: {
    tags,
    summary: 'People by username, page by page',
    querystring: UserFilter,
    response: { 200: UserPage, '4xx': Problem },
  },
  accessChanges: {
    tags,
    summary: 'Whose access changed: roles, password, active, removal',
    description:
      'For whoever keeps sessions: those of an earlier version of the person are over. Ask again for the last seconds: a change becomes visible when its transaction ends.',
    querystring: AccessChangeFilter,
    response: { 200: AccessChangePage, '4xx': Problem },
  },
  get: {
    tags,
    summary: 'One person',
    params,
    headers: Type.Object({ 'if-none-match': IfNoneMatch }),
    response: { 200: User, 304: Nothing('Not changed'), '4xx': Problem },
  },
  change: {
    ...conditional,
    summary: 'Change a person; `active: false` keeps them from logging in',
    body: UserChange,
    response: { 200: User, '4xx': Problem, 503: Problem },
  },
  remove: {
    ...conditional,
    summary: 'Remove a person, their credentials and settings for good',
    response: { 204: Nothing('Removed'), '4xx': Problem },
  },
  verify: {
    tags,
    summary: 'Whose name and password these are',
    description:
      'One answer, after one duration, for unknown names, wrong passwords and inactive people.',
    body: Credentials,
    response: { 200: User, '4xx': Problem, 503: Problem },
  },
  changePassword: {
    tags,
    summary: 'Change the password, knowing the current one',
    params,
    body: PasswordChange,
    response: { 204: Nothing('Changed'), '4xx': Problem, 503: Problem },
  },
}
