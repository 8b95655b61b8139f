/** One webhook request. By node:http, because a fault needs to say where the bytes are cut. */
import http from 'node:http'
import https from 'node:https'

export type PushResult = { status: number } | { error: string }

export interface PushTarget {
  readonly url: string
  readonly secret?: string | undefined
}

export interface PushOptions {
  timeoutMs: number
  /** Writes the body in two parts, cut inside a character of more than one byte, if it has any. */
  splitUtf8: boolean
  signal: AbortSignal
}

/** Between the two parts: long enough that they are two reads for the receiver. */
const SPLIT_PAUSE_MS = 25
const MAX_SOCKETS_PER_TARGET = 128

const agents = {
  'http:': new http.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS_PER_TARGET }),
  'https:': new https.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS_PER_TARGET }),
}

/** Never throws: whatever is not a status is an error text. Redirects are not followed. */
export function push(target: PushTarget, body: Buffer, options: PushOptions): Promise<PushResult> {
  return new Promise((resolve) => {
    const secure = target.url.startsWith('https:')
    const request = (secure ? https : http).request(target.url, {
      method: 'POST',
      agent: secure ? agents['https:'] : agents['http:'],
      signal: options.signal,
      headers: {
        'content-type': 'application/json',
        'content-length': body.length,
        ...(target.secret !== undefined && { 'x-max-bot-api-secret': target.secret }),
      },
    })
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer within ${Math.round(options.timeoutMs)} ms`)),
      options.timeoutMs,
    )
    const settle = (result: PushResult): void => {
      clearTimeout(timer)
      resolve(result)
    }
    request.on('error', (error) => settle({ error: error.message || error.name }))
    request.on('response', (response) => {
      response.resume()
      response.on('error', (error) => settle({ error: error.message }))
      response.on('end', () => settle({ status: response.statusCode ?? 0 }))
    })
    write(request, body, options.splitUtf8)
  })
}

function write(request: http.ClientRequest, body: Buffer, split: boolean): void {
  const cut = split ? middleOfCharacter(body) : -1
  if (cut < 0) {
    request.end(body)
    return
  }
  request.setNoDelay(true)
  request.write(body.subarray(0, cut))
  setTimeout(() => request.end(body.subarray(cut)), SPLIT_PAUSE_MS)
}

/** Index of a continuation byte (10xxxxxx); -1 in pure ASCII. */
function middleOfCharacter(body: Buffer): number {
  return body.findIndex((byte) => (byte & 0b1100_0000) === 0b1000_0000)
}
