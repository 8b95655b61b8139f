/** What a person attaches; the files behind it do not exist. */
import {
  contactCard,
  externalImage,
  locationOf,
  shareOf,
  stickerOf,
  vcfOf,
} from '../platform/attachments.ts'
import { ControlInvalid } from '../platform/errors.ts'
import { newToken } from '../platform/ids.ts'
import type { Attachment } from '../platform/wire.ts'
import type { PersonAttachment } from './schemas.ts'

/** Reserved for such use (RFC 2606): nothing is ever there. */
const NOWHERE = 'https://files.invalid'

/** @throws ControlInvalid */
export function personAttachment(given: PersonAttachment): Attachment {
  const { type, url = `${NOWHERE}/${type}` } = given
  const payload = { token: newToken(), url }
  switch (type) {
    case 'image':
      return externalImage(url)
    case 'video':
    case 'audio':
      return { type, payload }
    case 'file':
      return { type, payload, filename: given.filename ?? 'file.txt', size: given.size ?? 1024 }
    case 'sticker':
      return stickerOf(given.code ?? 'smile')
    case 'contact':
      return contactCard(vcfOf(given.name ?? 'Контакт', given.phone), undefined)
    case 'share':
      return shareOf(url)
    case 'location':
      if (given.latitude === undefined || given.longitude === undefined) {
        throw new ControlInvalid('A location needs latitude and longitude')
      }
      return locationOf(given.latitude, given.longitude)
  }
}
