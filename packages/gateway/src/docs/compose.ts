import { operationId } from '@potok/core/docs'
import { createParser } from '@potok/core/validation'
import { governing } from '../access/index.ts'
import { outsideOf, type Target } from '../proxy/index.ts'
import { newNames, referencedBy, renameReferences } from './references.ts'
import { Operation, type ApiDocument, type Paths, type Schemas } from './schemas.ts'
import type { Found } from './sources.ts'
import { whoMay } from './who-may.ts'

const parseOperation = createParser(Operation)

/** What only the gateway says to a service. */
const INSIDE = new Set(['x-api-key', 'x-actor', 'x-actor-scope'])

/** What the gateway itself may answer in a service's stead. */
const REFUSALS = { '4XX': 'Refused', '5XX': 'The service cannot be asked now' }

function refusal(description: string): object {
  const schema = { $ref: '#/components/schemas/Problem' }
  return { description, content: { 'application/problem+json': { schema } } }
}

/** The operation as a client of the gateway meets it. */
function throughTheGate(method: string, path: string, given: Operation, rights: string): Operation {
  const { parameters = [], responses, description } = given
  const kept = parameters.filter(({ name }) => !INSIDE.has(name.toLowerCase()))
  const missing = Object.entries(REFUSALS).filter(([status]) => !(status in responses))
  const added = missing.map(([status, text]) => [status, refusal(text)])
  return {
    ...given,
    operationId: operationId(method, path),
    security: [{ bearer: [] }],
    description: description === undefined ? rights : `${description}\n\n${rights}`,
    ...(parameters.length > 0 && { parameters: kept }),
    responses: { ...responses, ...Object.fromEntries(added) },
  }
}

/** The service's operations that somebody may reach through the gateway, under its paths. */
function reachable(document: ApiDocument, targets: readonly Target[]): Paths {
  const outside = Object.entries(document.paths).flatMap(([path, item]) =>
    targets.flatMap((target) => {
      const found = outsideOf(path, target)
      return found === undefined ? [] : [{ path: found, item }]
    }),
  )
  const templates = new Set(outside.map(({ path }) => path))
  const paths: Paths = {}
  for (const { path, item } of outside) {
    for (const [method, operation] of Object.entries(item)) {
      const rules = governing(method.toUpperCase(), path, templates)
      if (rules.every(({ rights }) => Object.keys(rights).length === 0)) continue
      const parsed = parseOperation(operation)
      const shown = throughTheGate(method, path, parsed, whoMay(rules))
      paths[path] = { ...paths[path], [method]: shown }
    }
  }
  return paths
}

/** How current each part is, for whoever reads the document. */
function told({ name, document, readAt, isCurrent }: Found): string {
  const at = readAt === undefined ? '' : new Date(readAt).toISOString()
  if (document === undefined) return `* **${name}** does not answer: its part is missing`
  return isCurrent
    ? `* **${name}** as of ${at}`
    : `* **${name}** does not answer: its part is as it was at ${at}`
}

/** One document out of the gateway's own and those of the services behind it. */
export function compose(
  own: ApiDocument,
  found: readonly Found[],
  targets: readonly Target[],
): ApiDocument {
  const schemas: Schemas = { ...own.components?.schemas }
  const paths: Paths = { ...own.paths }
  for (const { name, document } of found) {
    if (document === undefined) continue
    const part = reachable(
      document,
      targets.filter(({ service }) => service === name),
    )
    const given = referencedBy(part, document.components?.schemas ?? {})
    const names = newNames(schemas, given, name.charAt(0).toUpperCase() + name.slice(1))
    Object.assign(paths, renameReferences(part, names))
    for (const [schema, shape] of Object.entries(given)) {
      schemas[names.get(schema) ?? schema] = renameReferences(shape, names)
    }
  }
  const { info, components } = own
  const parts = `Beside the gateway's own, these are the operations of:\n\n${found.map(told).join('\n')}`
  const description = [info.description, parts].filter((text) => text !== undefined).join('\n\n')
  return {
    ...own,
    info: { ...info, description },
    paths,
    components: { ...components, schemas },
  }
}
