/** Uploads: an address by the Bot API, then the bytes to that address. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { BadPayload } from '../platform/errors.ts'
import type { Upload } from '../platform/uploads.ts'
import type { PlatformOption } from '../platform/platform.ts'
import { filePart } from './multipart.ts'
import { UploadPath, UploadQuery } from './schemas.ts'

export const uploadRoutes: FastifyPluginAsyncTypebox<PlatformOption> = async (
  app,
  { platform },
) => {
  app.post('/uploads', { schema: { querystring: UploadQuery } }, (request) => {
    const { type } = request.query
    const { url, token } = platform.uploads.open(type, `${request.protocol}://${request.host}`)
    // Only these two get their token before the bytes are there.
    return { url, token: type === 'video' || type === 'audio' ? token : undefined }
  })
}

/** Room for the multipart frame around the file. */
const FRAME_BYTES = 16 * 1024

/** Where the bytes go: no token, any content type. */
export const uploadTargets: FastifyPluginAsyncTypebox<PlatformOption> = async (
  app,
  { platform: { uploads, bounds } },
) => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: bounds.uploadBytes + FRAME_BYTES },
    (_request, body, done) => done(null, body),
  )

  app.post('/uploads/:id', { schema: { params: UploadPath } }, (request, reply) => {
    const upload = uploads.get(request.params.id)
    if (!Buffer.isBuffer(request.body)) throw new BadPayload('The bytes are missing')
    const part = partOf(request.headers, request.body)
    uploads.receive(upload, part.bytes, part.filename, part.total)
    if (!upload.complete)
      return reply.type('text/plain').send(`0-${upload.received - 1}/${part.total}`)
    return accepted(upload) ?? reply.type('application/xml').send('<retval>1</retval>')
  })

  app.get('/uploads/:id', { schema: { params: UploadPath } }, (request, reply) => {
    const { content, type } = uploads.get(request.params.id)
    // Never shown as a page: the bytes are foreign.
    reply.header('x-content-type-options', 'nosniff')
    reply.header('content-security-policy', "default-src 'none'; sandbox")
    if (type !== 'image') reply.header('content-disposition', 'attachment')
    return reply.type('application/octet-stream').send(Buffer.concat(content))
  })
}

interface Part {
  bytes: Buffer
  filename: string | undefined
  /** Bytes of the whole file. */
  total: number
}

/** A form with the file, or the bytes alone, whole or in ranges. */
function partOf(headers: NodeJS.Dict<string | string[]>, body: Buffer): Part {
  const contentType = String(headers['content-type'] ?? '')
  if (contentType.startsWith('multipart/form-data')) {
    const { bytes, filename } = filePart(contentType, body)
    return { bytes, filename, total: bytes.length }
  }
  const range = /^bytes \d+-\d+\/(\d+)$/u.exec(String(headers['content-range'] ?? ''))
  const name = headers['x-file-name']
  return {
    bytes: body,
    filename: typeof name === 'string' ? name : undefined,
    total: range === null ? body.length : Number(range[1]),
  }
}

/** undefined for video and audio, which answer with XML. */
function accepted({ id, type, token }: Upload): Record<string, unknown> | undefined {
  if (type === 'file') return { token }
  return type === 'image' ? { photos: { [id]: { token } } } : undefined
}
