import createError from '@fastify/error'
import type { FieldError } from '@potok/contracts/problem'

const UnknownEntity = createError<[entity: string, known: string]>(
  'STATES_UNKNOWN_ENTITY',
  'There is no entity type %s; known: %s',
  404,
)

/** 404 with the entity types that exist. */
export function unknownEntity(entity: string, known: readonly string[]): Error {
  return Object.assign(new UnknownEntity(entity, known.join(', ')), { extension: { known } })
}

const DefinitionInvalid = createError(
  'MACHINES_DEFINITION_INVALID',
  'The rules contradict themselves; errors says where',
  422,
)

/** 422 with one entry a fault. */
export function definitionInvalid(errors: FieldError[]): Error {
  return Object.assign(new DefinitionInvalid(), { errors })
}

export const BuiltIn = createError<[entity: string]>(
  'MACHINES_BUILT_IN',
  'The rules of %s come with the product and cannot be replaced; use an entity type of your own',
  409,
)

export const TooManyMachines = createError<[limit: number]>(
  'MACHINES_TOO_MANY',
  'There are already %d entity types of your own',
  409,
)

export const VersionNotFound = createError<[version: number, entity: string]>(
  'MACHINES_VERSION_NOT_FOUND',
  'There is no version %d of the rules of %s',
  404,
)

export interface Stranded {
  entityId: string
  status: string
}

const WouldStrand = createError<[count: number, entity: string]>(
  'MACHINES_WOULD_STRAND',
  '%d stored entities of type %s have a status that the new rules do not know; move them first, or say force=true',
  409,
)

/** 409 with the entities that the new rules would leave without a valid status. */
export function wouldStrand(entity: string, total: number, stranded: Stranded[]): Error {
  return Object.assign(new WouldStrand(total, entity), {
    extension: { strandedTotal: total, stranded },
  })
}

const PreconditionFailed = createError<[version: number | string]>(
  'MACHINES_PRECONDITION_FAILED',
  'The rules have changed meanwhile: their version is %s',
  412,
)

/** 412 with the version in force. */
export function preconditionFailed(version: number | undefined): Error {
  return Object.assign(new PreconditionFailed(version ?? 'none'), {
    extension: version === undefined ? {} : { version },
  })
}
