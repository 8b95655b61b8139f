import { isUpstreamError, upstreamError } from './errors.ts'

/** No connection, or it broke before a whole answer was there. */
const unreachable = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_CLOSED',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_DESTROYED',
  'UND_ERR_SOCKET',
])

/** The peer spoke, but not HTTP as we can take it. */
const unusable = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
  'UND_ERR_RESPONSE',
])

/**
 * The condition behind what undici threw. Anything that is not the upstream's doing (an argument undici refuses) is
 * returned as it is, and ends as a 500 of ours.
 */
export function toUpstreamFailure(error: unknown, upstream: string): unknown {
  if (isUpstreamError(error)) return error
  // Several addresses tried at once fail with an AggregateError, whose `code` is that of the first.
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (unreachable.has(code) || isTlsFailure(code)) {
    return upstreamError('upstream_unreachable', upstream, { cause: error })
  }
  if (unusable.has(code) || (error instanceof Error && error.name === 'HTTPParserError')) {
    return upstreamError('upstream_bad_response', upstream, { cause: error })
  }
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return upstreamError('upstream_timeout', upstream, { cause: error })
  }
  return error
}

function isTlsFailure(code: string): boolean {
  return (
    code.startsWith('ERR_TLS_') ||
    code.startsWith('ERR_SSL_') ||
    code.startsWith('CERT_') ||
    code.includes('SELF_SIGNED') ||
    code.startsWith('UNABLE_TO_')
  )
}
