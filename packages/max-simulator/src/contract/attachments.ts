/** What may hang on a message: as the platform shows it, and as a bot sends it. */
import { Type, type TProperties } from '@sinclair/typebox'
import { nullable, User, variants } from './parts.ts'

const Text = Type.String({ minLength: 1, maxLength: 128 })
const named = (type: string, properties: TProperties) =>
  Type.Object({ type: Type.Literal(type), ...properties })
const key = (type: string, properties: TProperties = {}) =>
  named(type, { text: Text, ...properties })

export const ButtonSchema = variants(
  'type',
  [
    key('callback', { payload: Type.String({ maxLength: 1024 }) }),
    key('link', { url: Type.String({ maxLength: 2048 }) }),
    key('clipboard', { payload: Type.String({ maxLength: 1024 }) }),
    key('message'),
    key('request_contact'),
    key('request_geo_location', { quick: Type.Optional(Type.Boolean()) }),
    key('open_app', {
      web_app: Type.String(),
      contact_id: nullable(Type.Integer()),
      payload: nullable(Type.String({ maxLength: 512, pattern: '^[\\w-]*$' })),
    }),
  ],
  { $id: 'Button' },
)
const Button = Type.Ref('Button')
const Rows = Type.Array(Type.Array(Button))
const place = { latitude: Type.Number(), longitude: Type.Number() }
const Address = nullable(Type.String({ minLength: 1 }))

const stored = { url: Type.String(), token: Type.String() }
const Pixels = nullable(Type.Integer())

/** Shown by the platform. */
export const AttachmentSchema = variants(
  'type',
  [
    named('image', { payload: Type.Object({ photo_id: Type.Integer(), ...stored }) }),
    named('video', {
      payload: Type.Object(stored),
      thumbnail: nullable(Type.Object({ url: Type.String() })),
      width: Pixels,
      height: Pixels,
      duration: nullable(Type.Integer()),
    }),
    named('audio', { payload: Type.Object(stored), transcription: nullable(Type.String()) }),
    named('file', { payload: Type.Object(stored), filename: Type.String(), size: Type.Integer() }),
    named('sticker', {
      payload: Type.Object({ url: Type.String(), code: Type.String() }),
      width: Type.Integer(),
      height: Type.Integer(),
    }),
    named('contact', {
      payload: Type.Object({
        vcf_info: nullable(Type.String()),
        hash: nullable(Type.String()),
        max_info: nullable(User),
      }),
    }),
    named('inline_keyboard', { payload: Type.Object({ buttons: Rows }) }),
    named('share', {
      payload: Type.Object({ url: Address, token: nullable(Type.String()) }),
      title: nullable(Type.String()),
      description: nullable(Type.String()),
      image_url: nullable(Type.String()),
    }),
    named('location', place),
  ],
  { $id: 'Attachment' },
)
export const Attachment = Type.Ref('Attachment')

/** A picture by address, by token, or by the tokens of its sizes. */
export const Picture = Type.Object({
  url: Address,
  token: nullable(Type.String()),
  photos: nullable(Type.Record(Type.String(), Type.Object({ token: Type.String() }))),
})
const Uploaded = Type.Object({ token: Type.Optional(Type.String()) })

/** Sent by a bot. */
export const AttachmentRequestSchema = variants(
  'type',
  [
    named('image', { payload: Picture }),
    ...['video', 'audio', 'file'].map((type) => named(type, { payload: Uploaded })),
    named('sticker', { payload: Type.Object({ code: Type.String() }) }),
    named('contact', {
      payload: Type.Object({
        name: nullable(Type.String()),
        contact_id: nullable(Type.Integer()),
        vcf_info: nullable(Type.String()),
        vcf_phone: nullable(Type.String()),
      }),
    }),
    named('inline_keyboard', {
      payload: Type.Object({ buttons: Type.Array(Type.Array(Button), { minItems: 1 }) }),
    }),
    named('share', { payload: Type.Object({ url: Address, token: nullable(Type.String()) }) }),
    named('location', place),
  ],
  { $id: 'AttachmentRequest' },
)
export const AttachmentRequest = Type.Ref('AttachmentRequest')
