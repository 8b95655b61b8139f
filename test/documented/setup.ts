/** Holds every answer to a `fetch` of the system tests against the OpenAPI document of the service that gave it. */
import { afterEach } from 'vitest'
import { createParser } from '@potok/core/validation'
import { ApiDocument, createJudge, type Answer, type Judge } from './document.ts'

const DOCUMENTS = ['/api/docs/json', '/api-docs/json']
/** Not for clients of the API: the docs themselves, what Prometheus reads, what sockets and the state service send. */
const UNDOCUMENTED =
  /^\/(?:api\/v1\/)?(?:api-docs|api\/docs|socket\.io|internal\/)|^\/api\/v1\/socket\.io/u

const parse = createParser(ApiDocument)
const fetchPlainly = globalThis.fetch
const judges = new Map<string, Judge>()
/** Origins that are no service of ours: the simulator, receivers, echo servers. */
const foreign = new Set<string>()
const wrong: string[] = []
const judging = new Set<Promise<void>>()

async function readDocument(origin: string): Promise<Judge | undefined> {
  for (const path of DOCUMENTS) {
    const response = await fetchPlainly(origin + path)
    if (response.ok) return createJudge(parse(await response.json()))
    await response.body?.cancel()
  }
  foreign.add(origin)
  return undefined
}

/** Read again where it does not know the operation: the document grows when a service behind comes up. */
async function judgeOf(origin: string, answer: Answer): Promise<Judge | undefined> {
  const known = judges.get(origin)
  if (known?.knows(answer) === true) return known
  const judge = await readDocument(origin)
  if (judge !== undefined) judges.set(origin, judge)
  return judge
}

async function hold(url: URL, method: string, response: Response): Promise<void> {
  const type = (response.headers.get('content-type') ?? '').split(';', 1)[0] ?? ''
  const { status } = response
  const { pathname: path, origin } = url
  const body = type.endsWith('json') ? await response.text() : undefined
  const answer: Answer = { method, path, status, type, body }
  const complaint = (await judgeOf(origin, answer))?.judge(answer)
  if (complaint !== undefined) wrong.push(complaint)
}

globalThis.fetch = async (input, init) => {
  const response = await fetchPlainly(input, init)
  const url = new URL(input instanceof Request ? input.url : String(input))
  const method = (init?.method ?? (input instanceof Request ? input.method : 'GET')).toUpperCase()
  if (method === 'OPTIONS' || foreign.has(url.origin) || UNDOCUMENTED.test(url.pathname)) {
    return response
  }
  const isJson = response.headers.get('content-type')?.includes('json') === true
  const held: Promise<void> = hold(url, method, isJson ? response.clone() : response)
    // The service died, or the test broke off: there is no whole answer that could be wrong.
    .catch((error: unknown) => {
      if (!(error instanceof TypeError) && !(error instanceof DOMException)) throw error
    })
    .finally(() => judging.delete(held))
  judging.add(held)
  return response
}

afterEach(async () => {
  await Promise.all(judging)
  const found = [...new Set(wrong.splice(0))]
  if (found.length > 0) throw new Error(`Not as documented:\n${found.join('\n')}`)
})
