/**
 * One JSON schema engine for every border: HTTP, environment, sockets, webhooks, stores, upstreams.
 */
import type { Static, TSchema } from '@sinclair/typebox'
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv'
import {
  SerializerSelector,
  type Serializer,
  type SerializerFactory,
} from '@fastify/fast-json-stringify-compiler'
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
 * A parser of foreign values. Its schema is compiled when the first value comes: a process knows many more shapes than
 * it meets, and compiling them all would be a third of its start.
 * @param options.coerce accept text for numbers and booleans and fill in defaults; the given object is changed
 * @returns `parse(value)` which returns the value or throws {@link ValueRefused} with every field error
 */
export function createParser<T extends TSchema>(
  schema: T,
  options: { coerce?: boolean } = {},
): Parser<Static<T>> {
  const ajv = options.coerce === true ? coercing : strict
  let compiled: ValidateFunction<Static<T>> | undefined
  const validator = (): ValidateFunction<Static<T>> => (compiled ??= ajv.compile<Static<T>>(schema))
  const parse = (value: unknown): Static<T> => {
    const validate = validator()
    if (validate(value)) return value
    throw new ValueRefused(fieldErrors(validate.errors ?? []))
  }
  return Object.assign(parse, { check: (value: unknown): value is Static<T> => validator()(value) })
}

/** Fastify's validators: strict for bodies, coercing for the parts of a request that are text; compiled at the first request. */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const ajv = httpPart === 'body' ? strict : coercing
  let compiled: ValidateFunction | undefined
  const validate: ReturnType<FastifySchemaCompiler<TSchema>> = (value) => {
    compiled ??= ajv.compile(schema)
    const fits = compiled(value)
    // Fastify reads the errors of the last call from the function that it called.
    validate.errors = compiled.errors ?? null
    return fits
  }
  return validate
}

const serializers = SerializerSelector()

/** Fastify's serialisers, each compiled at its first answer. */
export const buildSerializer: SerializerFactory = (schemas, options) => {
  const compile = serializers(schemas, options)
  return (route) => {
    let compiled: Serializer | undefined
    return (answer) => (compiled ??= compile(route))(answer)
  }
}
