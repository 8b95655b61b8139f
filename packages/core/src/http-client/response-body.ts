import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { upstreamError } from './errors.ts'

type Body = Dispatcher.ResponseData['body']

/** The whole body; `bad` makes the error of one that is longer than the limit. */
export async function readBody(body: Body, limitBytes: number, tooLong: () => Error) {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk)
    size += bytes.byteLength
    // Leaving the loop destroys the body.
    if (size > limitBytes) throw tooLong()
    chunks.push(bytes)
  }
  return Buffer.concat(chunks, size)
}

/**
 * Ends a streamed body whose upstream does not deliver in time. Time for which the reader made it wait does not count,
 * as long as that one takes anything: `taken` is a number that grows when it does.
 */
export function limitBody(
  body: Readable,
  name: string,
  { remainingMs, idleMs, taken }: { remainingMs: number; idleMs: number; taken: () => number },
): void {
  let takenBefore = taken()
  let pausedAt: number | undefined
  let pausedMs = 0
  let timer = setTimeout(check, remainingMs)
  body.once('close', () => clearTimeout(timer))
  body.on('pause', () => (pausedAt = performance.now()))
  body.on('resume', () => {
    if (pausedAt !== undefined) pausedMs += performance.now() - pausedAt
    pausedAt = undefined
  })

  function check() {
    const takenNow = taken()
    const isPaused = pausedAt !== undefined
    if (isPaused ? takenNow === takenBefore : pausedMs === 0) {
      body.destroy(upstreamError(isPaused ? 'client_too_slow' : 'upstream_timeout', name))
      return
    }
    timer = setTimeout(check, isPaused ? idleMs : pausedMs)
    takenBefore = takenNow
    pausedMs = 0
  }
}
