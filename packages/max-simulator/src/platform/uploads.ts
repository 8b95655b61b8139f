/** Uploaded files: an address for each, a token to attach it by, the bytes for the chat page. */
import { forgetOldest, type Bounds } from './bounds.ts'
import { BadPayload, NotFound } from './errors.ts'
import { newToken } from './ids.ts'
import type { Attachment } from './wire.ts'

export const UPLOAD_TYPES = ['image', 'video', 'audio', 'file'] as const
export type UploadType = (typeof UPLOAD_TYPES)[number]

export interface Upload {
  readonly id: string
  readonly type: UploadType
  readonly token: string
  /** Where the bytes go, and where the chat page reads them back. */
  readonly url: string
  filename: string
  received: number
  /** Whether all bytes are there. */
  complete: boolean
  content: Buffer[]
}

export class Uploads {
  readonly #bounds: Bounds
  readonly #byId = new Map<string, Upload>()
  readonly #byToken = new Map<string, Upload>()

  constructor({ bounds }: { bounds: Bounds }) {
    this.#bounds = bounds
  }

  /** @param origin of the simulator as the bot reached it: the bytes are sent to the same place */
  open(type: UploadType, origin: string): Upload {
    const id = newToken().slice(0, 24)
    const upload: Upload = {
      id,
      type,
      token: newToken(),
      url: `${origin}/uploads/${id}`,
      filename: 'file',
      received: 0,
      complete: false,
      content: [],
    }
    this.#byId.set(id, upload)
    this.#byToken.set(upload.token, upload)
    forgetOldest(this.#byId, this.#bounds.uploads, ({ token }) => this.#byToken.delete(token))
    return upload
  }

  get(id: string): Upload {
    const upload = this.#byId.get(id)
    if (upload === undefined) throw new NotFound('Upload')
    return upload
  }

  /** Takes bytes: the whole file, or one part of it with the size of the whole. */
  receive(upload: Upload, bytes: Buffer, filename: string | undefined, total: number): void {
    if (upload.complete) throw new BadPayload('Only one file can be uploaded to an address')
    if (upload.received + bytes.length > this.#bounds.uploadBytes) {
      throw new BadPayload(`The simulator takes files up to ${this.#bounds.uploadBytes} bytes`)
    }
    upload.content.push(bytes)
    upload.received += bytes.length
    if (filename !== undefined) upload.filename = filename
    upload.complete = upload.received >= total
    this.#dropOldContents()
  }

  /** @throws BadPayload when the token is unknown or belongs to another kind of file */
  attachment(type: UploadType, token: string | null | undefined): Attachment {
    if (!token) throw new BadPayload("Field 'token' cannot be null")
    const upload = this.#byToken.get(token)
    if (upload === undefined || upload.type !== type || !upload.complete) {
      throw new BadPayload(`Invalid ${type} token`)
    }
    return attachmentOf(upload)
  }

  clear(): void {
    this.#byId.clear()
    this.#byToken.clear()
  }

  #dropOldContents(): void {
    const uploads = [...this.#byId.values()]
    let kept = uploads.reduce((sum, { content }) => sum + sizeOf(content), 0)
    for (const upload of uploads) {
      if (kept <= this.#bounds.uploadedBytes) return
      kept -= sizeOf(upload.content)
      upload.content = []
    }
  }
}

function sizeOf(content: readonly Buffer[]): number {
  return content.reduce((sum, { length }) => sum + length, 0)
}

function attachmentOf({ id, type, token, url, filename, received }: Upload): Attachment {
  switch (type) {
    case 'image':
      return { type, payload: { photo_id: Buffer.from(id).readUInt32BE(0), token, url } }
    case 'video':
    case 'audio':
      return { type, payload: { token, url } }
    case 'file':
      return { type, payload: { token, url }, filename, size: received }
  }
}
