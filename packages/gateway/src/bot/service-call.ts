import { Type } from '@sinclair/typebox'
import type { UpstreamRequest, UpstreamResponse } from '@potok/core/http-client'
import { createParser } from '@potok/core/validation'

/** Within which update a service is asked. */
export interface Contact {
  correlationId: string
  signal?: AbortSignal
  /** Nobody waits for it: who asks again of his own accord must not close the way for those who wait. */
  background?: boolean
}

export interface ServiceCallOptions {
  request: (wanted: UpstreamRequest) => Promise<UpstreamResponse>
  /** For one question with all its tries. */
  deadlineMs: number
  /** How the service is called in errors. */
  name: string
  /** Makes the error of a service that cannot be used now. */
  unavailable: (cause: unknown) => Error
}

export type ServiceCall = ReturnType<typeof createServiceCall>

const parseProblem = createParser(Type.Object({ code: Type.String() }))

/** The code of a problem; `unknown` when the answer is none. */
export function codeOf({ body }: UpstreamResponse): string {
  try {
    return parseProblem(body.json()).code
  } catch {
    // Not one of ours: a proxy in between, perhaps. The status must do.
    return 'unknown'
  }
}

/** Questions to a service of ours: what cannot be answered now is one error, what should not be answered so is another. */
export function createServiceCall(options: ServiceCallOptions) {
  const { request, deadlineMs, name, unavailable } = options

  const refused = (answer: UpstreamResponse): Error =>
    new Error(`The ${name} service answered ${answer.status} ${codeOf(answer)}`)

  async function call(wanted: UpstreamRequest, contact: Contact): Promise<UpstreamResponse> {
    const { correlationId, signal, background = false } = contact
    let answer: UpstreamResponse
    try {
      answer = await request({
        deadlineMs,
        background,
        ...wanted,
        headers: { 'x-correlation-id': correlationId, ...wanted.headers },
        ...(signal === undefined ? {} : { signal }),
      })
    } catch (error) {
      throw unavailable(error)
    }
    const { status } = answer
    if (status >= 500 || status === 429 || status === 401) throw unavailable(refused(answer))
    return answer
  }

  /** Reads an answer that must be a success. */
  function read<T>(answer: UpstreamResponse, parse: (value: unknown) => T): T {
    if (answer.status >= 300) throw refused(answer)
    try {
      return parse(answer.body.json())
    } catch (error) {
      throw unavailable(error)
    }
  }

  /** @returns undefined when there is no such thing */
  async function find<T>(
    wanted: Omit<UpstreamRequest, 'method'>,
    parse: (value: unknown) => T,
    contact: Contact,
  ): Promise<T | undefined> {
    const answer = await call({ method: 'GET', ...wanted }, contact)
    return answer.status === 404 ? undefined : read(answer, parse)
  }

  return { call, read, find, refused }
}
