import { Type, type Static } from '@sinclair/typebox'
import { Timestamp } from '@potok/contracts/identifiers'
import { PasswordChange } from '@potok/contracts/user'

export const RefreshRequest = Type.Object(
  { refresh_token: Type.String({ minLength: 1, maxLength: 4096, examples: ['eyJhbGciOi…'] }) },
  { additionalProperties: false, title: 'RefreshRequest' },
)
export type RefreshRequest = Static<typeof RefreshRequest>

/** Sent as it stands, the example harms nobody who logs in as the README says. */
export const OwnPasswordChange = Type.Object(PasswordChange.properties, {
  additionalProperties: false,
  title: 'OwnPasswordChange',
  examples: [{ currentPassword: 'password', newPassword: 'password' }],
})

const SessionId = Type.String({
  pattern: '^[0-9a-f-]{36}$',
  examples: ['0b2f6c1e-6f0f-4c55-9d9f-0d3b2d5f9a11'],
})
export const SessionParams = Type.Object({ id: SessionId })

/** One login of the person. */
export const Session = Type.Object(
  {
    id: SessionId,
    createdAt: Timestamp,
    lastRefreshAt: Timestamp,
    expiresAt: Timestamp,
    userAgent: Type.String(),
    current: Type.Boolean({ description: 'The session that asks' }),
  },
  { title: 'Session' },
)
export type Session = Static<typeof Session>
export const SessionList = Type.Object({ items: Type.Array(Session) }, { title: 'SessionList' })

export const LinkCode = Type.Object(
  {
    code: Type.String({ pattern: '^[0-9]{6}$', examples: ['123456'] }),
    expiresAt: Timestamp,
  },
  { title: 'LinkCode', description: 'To say to the bot: `/link 123456`' },
)
