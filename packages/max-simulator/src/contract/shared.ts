/** What other shapes refer to by name. */
import type { TSchema } from '@sinclair/typebox'
import { AttachmentRequestSchema, AttachmentSchema, ButtonSchema } from './attachments.ts'
import { BodySchema, MessageSchema, NewMessageSchema } from './messages.ts'
import { UserSchema } from './parts.ts'
import { UpdateSchema } from './updates.ts'

export const SHARED: Readonly<Record<string, TSchema>> = {
  User: UserSchema,
  Button: ButtonSchema,
  Attachment: AttachmentSchema,
  AttachmentRequest: AttachmentRequestSchema,
  MessageBody: BodySchema,
  Message: MessageSchema,
  NewMessage: NewMessageSchema,
  Update: UpdateSchema,
}
