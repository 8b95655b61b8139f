/** What a bot may attach: the requests are checked and become what everybody sees. */
import { createHash } from 'node:crypto'
import { BadPayload } from './errors.ts'
import { newToken } from './ids.ts'
import { keyboardOf } from './keyboard.ts'
import type { People } from './people.ts'
import type { AttachmentRequest } from './schemas.ts'
import type { Uploads } from './uploads.ts'
import type { Attachment, WireUser } from './wire.ts'

const MAX_ATTACHMENTS = 12
/** These stand alone in a message, beside a keyboard at most. */
const ALONE = new Set<AttachmentRequest['type']>(['audio', 'file', 'contact', 'sticker'])

interface Deps {
  uploads: Uploads
  people: People
}

/** @throws BadPayload, AttachmentNotReady */
export function attachmentsOf(
  requests: readonly AttachmentRequest[],
  deps: Deps,
): readonly Attachment[] {
  if (requests.length > MAX_ATTACHMENTS) {
    throw new BadPayload(`attachments: at most ${MAX_ATTACHMENTS} in a message`)
  }
  const keyboards = requests.filter(({ type }) => type === 'inline_keyboard')
  if (keyboards.length > 1) throw new BadPayload('Must be only one keyboard in message')
  const others = requests.filter(({ type }) => type !== 'inline_keyboard')
  const alone = others.find(({ type }) => ALONE.has(type))
  if (alone !== undefined && others.length > 1) {
    throw new BadPayload(`Must be only one ${alone.type} attachment in message`)
  }
  return requests.map((request) => attachmentOf(request, deps))
}

function attachmentOf(request: AttachmentRequest, deps: Deps): Attachment {
  const payload = request.payload ?? {}
  switch (request.type) {
    case 'inline_keyboard':
      if (!payload.buttons) throw new BadPayload("Field 'buttons' cannot be null")
      return { type: 'inline_keyboard', payload: { buttons: keyboardOf(payload.buttons) } }
    case 'image':
      return imageOf(payload, deps.uploads)
    case 'video':
    case 'audio':
    case 'file':
      return deps.uploads.attachment(request.type, payload.token)
    case 'sticker':
      if (!payload.code) throw new BadPayload("Field 'code' cannot be null")
      return stickerOf(payload.code)
    case 'contact':
      return contactOf(payload, deps.people)
    case 'share':
      if (!payload.url && !payload.token) throw new BadPayload("Field 'url' cannot be null")
      return shareOf(payload.url ?? undefined, payload.token ?? undefined)
    case 'location':
      return locationOf(request.latitude, request.longitude)
  }
}

function imageOf(payload: NonNullable<AttachmentRequest['payload']>, uploads: Uploads): Attachment {
  if (payload.url) return externalImage(payload.url)
  const token = payload.token ?? Object.values(payload.photos ?? {})[0]?.token
  return uploads.attachment('image', token)
}

/** An image by its address; the simulator does not fetch it. */
export function externalImage(url: string): Attachment {
  return { type: 'image', payload: { photo_id: numberOf(url), token: newToken(), url } }
}

export function stickerOf(code: string): Attachment {
  const url = `https://stickers.invalid/${encodeURIComponent(code)}`
  return { type: 'sticker', payload: { code, url }, width: 512, height: 512 }
}

export function shareOf(url: string | undefined, token = newToken()): Attachment {
  return { type: 'share', payload: { url, token } }
}

export function locationOf(
  latitude: number | null | undefined,
  longitude: number | null | undefined,
): Attachment {
  if (typeof latitude !== 'number' || typeof longitude !== 'number') {
    throw new BadPayload("Fields 'latitude' and 'longitude' cannot be null")
  }
  return { type: 'location', latitude, longitude }
}

function contactOf(payload: NonNullable<AttachmentRequest['payload']>, people: People): Attachment {
  const user = payload.contact_id ? people.view(payload.contact_id) : undefined
  const name = payload.name ?? user?.name
  if (!payload.vcf_info && name === undefined) {
    throw new BadPayload('Contact must have a name, contact_id or vcf_info')
  }
  return contactCard(payload.vcf_info ?? vcfOf(name ?? '', payload.vcf_phone ?? undefined), user)
}

/** The card that a person shares when asked for the contact. */
export function contactCard(vcf: string, user: WireUser | undefined): Attachment {
  const hash = createHash('sha256').update(vcf).digest('hex')
  return { type: 'contact', payload: { vcf_info: vcf, max_info: user, hash } }
}

export function vcfOf(name: string, phone = '+70000000000'): string {
  return `BEGIN:VCARD\r\nVERSION:3.0\r\nFN:${name}\r\nTEL;TYPE=cell:${phone}\r\nEND:VCARD\r\n`
}

/** A number out of a text, so that the same image has the same id. */
function numberOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0)
}
