/**
 * One JSON schema engine for every border: HTTP, environment, sockets, webhooks, stores, upstreams.
 */
import type { Static, TSchema } from '@sinclair/typebox'
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv'
import type { FastifySchemaCompiler } from 'fastify'
import formats from 'ajv-formats'
import type { FieldError } from '@potok/contracts/problem'
import { ValueRefused } from './errors.ts'

export { ValueRefused } from './errors.ts'

function createAjv(options: Options): Ajv {
  // strict would refuse the annotations that configuration schemas carry for their documentation.
  const ajv = new Ajv({ strict: false, removeAdditional: false, useDefaults: true, ...options })
  formats.default(ajv)
  return ajv
}

/** Bodies and foreign JSON: the types are taken as they are. */
const strict = createAjv({ allErrors: false, coerceTypes: false })
/** Text that stands for other types: query strings, paths, headers, the environment. */
const coercing = createAjv({ allErrors: true, coerceTypes: 'array' })

/** Turns ajv's errors into ours; `prefix` is the part of the request, such as `/body`. */
export function fieldErrors(errors: readonly ErrorObject[], prefix = ''): FieldError[] {
  return errors.map((error) => {
    const property: unknown = error.params['missingProperty'] ?? error.params['additionalProperty']
    const path = `${prefix}${error.instancePath}${typeof property === 'string' ? `/${property}` : ''}`
    return { path: path === '' ? '/' : path, message: messageOf(error) }
  })
}

function messageOf(error: ErrorObject): string {
  const allowed: unknown = error.params['allowedValues']
  if (Array.isArray(allowed)) return `must be one of: ${allowed.join(', ')}`
  if (error.keyword === 'required') return 'is required'
  if (error.keyword === 'additionalProperties') return 'is not a known field'
  return error.message ?? 'is invalid'
}

export type Parser<T> = ((value: unknown) => T) & { check: (value: unknown) => value is T }

/**
 * Compiles a schema into a parser of foreign values.
 * @param options.coerce accept text for numbers and booleans and fill in defaults; the given object is changed
 * @returns `parse(value)` which returns the value or throws {@link ValueRefused} with every field error
 */
export function createParser<T extends TSchema>(
  schema: T,
  options: { coerce?: boolean } = {},
): Parser<Static<T>> {
  const validate: ValidateFunction<Static<T>> = (
    options.coerce === true ? coercing : strict
  ).compile<Static<T>>(schema)
  const parse = (value: unknown): Static<T> => {
    if (validate(value)) return value
    throw new ValueRefused(fieldErrors(validate.errors ?? []))
  }
  return Object.assign(parse, { check: (value: unknown): value is Static<T> => validate(value) })
}

/** Fastify's validators: strict for bodies, coercing for the parts of a request that are text. */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) =>
  (httpPart === 'body' ? strict : coercing).compile(schema)
