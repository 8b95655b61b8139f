/** The one file of a multipart form, in its field `data`. */
import { BadPayload } from '../platform/errors.ts'

/** @throws BadPayload */
export function filePart(
  contentType: string,
  body: Buffer,
): { bytes: Buffer; filename: string | undefined } {
  const match = /boundary=(?:"([^"]+)"|([^;\s]+))/iu.exec(contentType)
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) throw new BadPayload('multipart: no boundary')
  let at = body.indexOf(`--${boundary}`)
  while (at >= 0) {
    const head = at + boundary.length + 2
    const begin = body.indexOf('\r\n\r\n', head)
    const end = body.indexOf(`\r\n--${boundary}`, head)
    if (begin < 0 || end < 0) break
    const disposition = body.toString('utf8', head, begin)
    if (/\bname="data"/u.test(disposition)) {
      return {
        // An empty part has its end right after its head.
        bytes: body.subarray(Math.min(begin + 4, end), end),
        filename: /\bfilename="([^"]*)"/u.exec(disposition)?.[1],
      }
    }
    at = end + 2
  }
  throw new BadPayload("multipart: no field 'data'")
}
