import { Type, type Static } from '@sinclair/typebox'
import { EntityId } from './identifiers.ts'
import { Role } from './user.ts'

/** The answer of login and refresh. The names are snake_case by commission. */
export const TokenPair = Type.Object({
  access_token: Type.String(),
  refresh_token: Type.String(),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ minimum: 1, description: 'Seconds until the access token expires' }),
})
export type TokenPair = Static<typeof TokenPair>

/** Claims of an access token. `sid` is the session. */
export const AccessClaims = Type.Object({
  sub: EntityId,
  roles: Type.Array(Role),
  sid: Type.String(),
  iss: Type.String(),
  aud: Type.String(),
  iat: Type.Integer(),
  exp: Type.Integer(),
})
export type AccessClaims = Static<typeof AccessClaims>

/** The answer of `GET /auth/profile`. */
export const Profile = Type.Object({
  id: EntityId,
  username: Type.String(),
  displayName: Type.String(),
  roles: Type.Array(Role),
  maxUserId: Type.Optional(Type.Integer()),
})
export type Profile = Static<typeof Profile>
