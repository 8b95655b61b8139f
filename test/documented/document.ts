import { Type, type Static } from '@sinclair/typebox'
import { Problem } from '@potok/contracts/problem'
import { createParser } from '@potok/core/validation'

const Content = Type.Record(Type.String(), Type.Object({ schema: Type.Optional(Type.Object({})) }))
const Response = Type.Object({ content: Type.Optional(Content) })
type Response = Static<typeof Response>
export const ApiDocument = Type.Object({
  paths: Type.Record(
    Type.String(),
    Type.Record(Type.String(), Type.Object({ responses: Type.Record(Type.String(), Response) })),
  ),
  components: Type.Optional(Type.Object({})),
})
type ApiDocument = Static<typeof ApiDocument>

/** An answer, as far as a document says anything about it. */
export interface Answer {
  method: string
  /** Without the query. */
  path: string
  status: number
  /** Media type without parameters; empty when there is no body. */
  type: string
  /** Undefined where it was not read: a stream, for one. */
  body?: string | undefined
}

const isProblem = createParser(Problem).check

function read(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return value
}

/** Literal paths before those with parameters, as routers have it. */
function operationOf({ paths }: ApiDocument, method: string, path: string) {
  const templates = Object.keys(paths)
    .filter((template) => {
      const pattern = template
        .replaceAll(/[.*+?^$()|[\]\\]/gu, String.raw`\$&`)
        .replaceAll(/\{[^}]+\}/gu, '[^/]+')
      return new RegExp(`^${pattern}$`, 'u').test(path)
    })
    .toSorted((one, other) => one.split('{').length - other.split('{').length)
  const verb = method === 'HEAD' ? 'get' : method.toLowerCase()
  const template = templates.find((candidate) => paths[candidate]?.[verb] !== undefined)
  const operation = template === undefined ? undefined : paths[template]?.[verb]
  return operation && { name: `${method} ${template}`, responses: operation.responses }
}

const rangeOf = (status: number): string => `${Math.floor(status / 100)}XX`

/** What the document has to say against answers. Remembers the schemas that it compiled. */
export function createJudge(document: ApiDocument) {
  const checks = new Map<string, (value: unknown) => boolean>()

  function fits(key: string, schema: object, value: unknown): boolean {
    let check = checks.get(key)
    if (check === undefined) {
      // References are resolved in the schema itself, so it brings what they lead to.
      const { components = {} } = document
      const compiled = createParser(Type.Unsafe({ ...schema, components }))
      check = (candidate) => compiled.check(candidate)
      checks.set(key, check)
    }
    return check(value)
  }

  function judgeBody({ type, body, method, status }: Answer, name: string, promised: Response) {
    const content = promised.content ?? {}
    if (method === 'HEAD' || status === 304 || type === '') return undefined
    const described = content[type]
    if (described === undefined) {
      return `${name} answered ${status} as ${type}; the document knows ${Object.keys(content).join(', ') || 'no body'}`
    }
    const { schema } = described
    if (schema === undefined || body === undefined || !type.endsWith('json')) return undefined
    return fits(`${name} ${status} ${type}`, schema, read(body))
      ? undefined
      : `${name} answered ${status} with a body that is not as documented: ${body.slice(0, 500)}`
  }

  return {
    knows: ({ method, path }: Answer): boolean => operationOf(document, method, path) !== undefined,

    /** What is wrong with the answer; undefined: nothing. */
    judge(answer: Answer): string | undefined {
      const { method, path, status, body } = answer
      const operation = operationOf(document, method, path)
      if (operation === undefined) {
        // Whatever is no operation can only be refused.
        const isRefusal = status >= 400 && status < 500 && isProblem(read(body ?? 'null'))
        return isRefusal ? undefined : `${method} ${path}, no operation, answered ${status}`
      }
      const promised = operation.responses[status] ?? operation.responses[rangeOf(status)]
      return promised === undefined
        ? `${operation.name} answered ${status}, which is not documented: ${body?.slice(0, 500)}`
        : judgeBody(answer, operation.name, promised)
    },
  }
}

export type Judge = ReturnType<typeof createJudge>
