import type { Dispatcher } from 'undici'
import { traced, type CallTracing } from './call-tracing.ts'
import { upstreamError } from './errors.ts'
import type { Headers } from './headers.ts'
import { readBody } from './response-body.ts'
import type { Tries } from './tries.ts'

type QueryValue = string | number | boolean | readonly string[] | undefined

export interface UpstreamRequest {
  method: 'GET' | 'HEAD' | 'OPTIONS' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Absolute, already encoded: `/api/v1/states/task/${encodeURIComponent(id)}`. */
  path: string
  /** Undefined values are left out, lists are repeated. */
  query?: Record<string, QueryValue>
  headers?: Record<string, string>
  /** Sent as JSON. */
  json?: unknown
  /** Sent as it is; name its type in the headers. */
  body?: string | Buffer
  /** Makes any method repeatable. */
  idempotencyKey?: string
  /** For all tries together; the client's default otherwise. */
  deadlineMs?: number
  /** Gives up when the caller does: `UPSTREAM_CLIENT_ABORT`. */
  signal?: AbortSignal
  /** Nobody waits for it: one try, which neither opens the circuit nor is a probe of an open one. */
  background?: boolean
  /** Longer answers are an `UPSTREAM_BAD_RESPONSE`. */
  responseLimitBytes?: number
}

export interface UpstreamResponse {
  status: number
  headers: Headers
  body: { text: () => string; json: () => unknown; bytes: () => Buffer }
}

export interface RequestOptions {
  name: string
  origin: URL
  apiKey: string | undefined
  deadlineMs: number
  dispatcher: Dispatcher
  tries: Tries
  tracing: CallTracing | undefined
}

const DEFAULT_RESPONSE_LIMIT_BYTES = 16 * 1024 * 1024

/** RFC 9110 §9.2.2. */
export const idempotentMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PUT',
  'DELETE',
])

/** Tells the upstream how long its answer will be waited for, milliseconds. */
export const DEADLINE_HEADER = 'x-request-timeout-ms'

/** Calls from service to service. Resolves with whatever the upstream answered, 5xx included; rejects without an answer. */
export function createRequest(options: RequestOptions) {
  const { name, origin, apiKey, dispatcher, tries } = options
  const prefix = origin.pathname.replace(/\/$/, '')

  return async function request(wanted: UpstreamRequest): Promise<UpstreamResponse> {
    const { method, idempotencyKey, responseLimitBytes = DEFAULT_RESPONSE_LIMIT_BYTES } = wanted
    const headers = headersOf(wanted, apiKey)
    const body = wanted.json === undefined ? wanted.body : JSON.stringify(wanted.json)
    const isRepeatable = idempotentMethods.has(method) || idempotencyKey !== undefined

    const answer = await tries.run({
      method,
      isRepeatable: () => isRepeatable,
      deadlineMs: wanted.deadlineMs ?? options.deadlineMs,
      onCallerGone: wanted.signal && onAbort(wanted.signal),
      attempt: traced(options, method, headers, async (cut, remainingMs) => {
        const response = await dispatcher.request({
          origin: origin.origin,
          path: prefix + wanted.path + searchOf(wanted.query),
          method,
          headers: { ...headers, [DEADLINE_HEADER]: String(remainingMs) },
          body: body ?? null,
          signal: cut,
        })
        const tooLong = () => upstreamError('upstream_bad_response', name)
        const bytes = await readBody(response.body, responseLimitBytes, tooLong)
        return { statusCode: response.statusCode, headers: response.headers, bytes }
      }),
      discard: () => {},
      isBackground: wanted.background === true,
    })
    return { status: answer.statusCode, headers: answer.headers, body: bodyOf(answer.bytes, name) }
  }
}

function onAbort(signal: AbortSignal) {
  return (leave: () => void) => {
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    return () => signal.removeEventListener('abort', leave)
  }
}

function headersOf(wanted: UpstreamRequest, apiKey: string | undefined): Record<string, string> {
  return {
    accept: 'application/json',
    ...(wanted.json !== undefined && { 'content-type': 'application/json' }),
    ...wanted.headers,
    ...(apiKey !== undefined && { 'x-api-key': apiKey }),
    ...(wanted.idempotencyKey !== undefined && { 'idempotency-key': wanted.idempotencyKey }),
  }
}

function searchOf(query: Record<string, QueryValue> = {}): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== undefined) search.append(key, String(item))
    }
  }
  return search.size === 0 ? '' : `?${search.toString()}`
}

function bodyOf(bytes: Buffer, name: string): UpstreamResponse['body'] {
  return {
    bytes: () => bytes,
    text: () => bytes.toString('utf8'),
    json: () => {
      try {
        const parsed: unknown = JSON.parse(bytes.toString('utf8'))
        return parsed
      } catch (cause) {
        throw upstreamError('upstream_bad_response', name, { cause })
      }
    },
  }
}
