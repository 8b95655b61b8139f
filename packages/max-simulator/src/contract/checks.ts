/**
 * Validators of the described shapes. Compiling them takes a moment, so each is made when it is first needed and serves
 * all platforms of the process.
 */
import { Ajv, type SchemaObject, type ValidateFunction } from 'ajv'
import { Type, type TSchema } from '@sinclair/typebox'
import { OPERATIONS } from './operations.ts'
import { Failure } from './parts.ts'
import { SHARED } from './shared.ts'
import { Update } from './updates.ts'

export type CallPart = 'query' | 'body' | 'answer'

const shared = Object.values(SHARED)
const answers = new Ajv({ allErrors: true, discriminator: true, schemas: shared })
const bodies = new Ajv({ allErrors: true, discriminator: true, schemas: shared.map(closed) })
/** A query is text. */
const queries = new Ajv({ allErrors: true, coerceTypes: true })

const made = new Map<string, ValidateFunction>()

function once(name: string, make: () => ValidateFunction): ValidateFunction {
  const known = made.get(name) ?? make()
  made.set(name, known)
  return known
}

export const updateCheck = (): ValidateFunction => once('update', () => answers.compile(Update))
export const failureCheck = (): ValidateFunction => once('failure', () => answers.compile(Failure))

/** @returns undefined when there is no such call, or nothing is said of this part of it */
export function callCheck(call: string, part: CallPart): ValidateFunction | undefined {
  const { query, body, answer } = OPERATIONS[call] ?? {}
  const name = `${part} ${call}`
  if (part === 'query' && query !== undefined) {
    return once(name, () => queries.compile(Type.Object(query, { additionalProperties: false })))
  }
  if (part === 'body' && body !== undefined) return once(name, () => bodies.compile(closed(body)))
  return part === 'answer' && answer !== undefined
    ? once(name, () => answers.compile(answer))
    : undefined
}

/** The platform ignores fields that it does not know; a bot that sends one has misspelt another. */
function closed(schema: TSchema): SchemaObject {
  const copy: SchemaObject = JSON.parse(JSON.stringify(schema), (_key, value: unknown) =>
    isObjectSchema(value) ? { ...value, additionalProperties: false } : value,
  )
  return copy
}

function isObjectSchema(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'properties' in value && 'type' in value
}
