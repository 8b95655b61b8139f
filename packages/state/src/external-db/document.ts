import { EntityId, EntityType, Status } from '@potok/contracts/identifiers'
import { Metadata, type State } from '@potok/contracts/state'
import { createParser } from '@potok/core/validation'
import { Type, type Static } from '@sinclair/typebox'
import type { StatesTable } from '../states/tables.ts'

/** A state as the external DB has it. Other writers may leave out what only we need. */
const ExternalState = Type.Object({
  entityType: EntityType,
  entityId: EntityId,
  status: Status,
  version: Type.Optional(Type.Integer({ minimum: 1 })),
  metadata: Type.Optional(Metadata),
  timestamp: Type.String({ format: 'date-time' }),
})
export type ExternalState = Static<typeof ExternalState>

const parse = createParser(ExternalState)

/** Who is said to have made what was read from there: the document does not tell. */
const READ_BY = 'system:external-db'

/** Where a state is filed. */
export const pathOf = (entity: string, id: string): string =>
  `/api/v1/db/states/${encodeURIComponent(`${entity}:${id}`)}`

type Row = Pick<
  StatesTable,
  'entity' | 'entity_id' | 'status' | 'version' | 'metadata' | 'updated_at'
>

/** The document of a state as JSON text; the stored metadata goes in as the text that it is. */
export function documentOf({
  entity,
  entity_id,
  status,
  version,
  metadata,
  updated_at,
}: Row): string {
  const timestamp = new Date(updated_at).toISOString()
  return (
    `{"entityType":"${entity}","entityId":"${entity_id}","status":"${status}","version":${version}` +
    `,"metadata":${metadata},"timestamp":"${timestamp}"}`
  )
}

/**
 * The state that a document tells of. It has no author and only one time: both times are the document's.
 * @throws ValueRefused it is no state, or another one
 */
export function stateOf(entity: string, id: string, document: unknown): State | undefined {
  const { entityType, entityId, status, version = 1, metadata = {}, timestamp } = parse(document)
  if (entityType !== entity || entityId !== id) return undefined
  const at = new Date(timestamp).toISOString()
  return {
    entity,
    entityId: id,
    status,
    version,
    metadata,
    createdAt: at,
    createdBy: READ_BY,
    updatedAt: at,
    updatedBy: READ_BY,
  }
}
