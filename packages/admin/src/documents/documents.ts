import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Selectable, Transaction } from 'kysely'
import { isMet, type Conditions } from '@potok/core/lib/precondition'
import type { AdminTables, Store } from '../store/index.ts'
import { listDocuments, type PageBounds } from './document-list.ts'
import { DocumentExists, DocumentNotFound, PreconditionFailed, StaleVersion } from './errors.ts'
import { parseBody } from './parse-body.ts'
import type { Document, DocumentPage, DocumentQuery } from './schemas.ts'
import { checkStorable } from './storable.ts'
import type { DocumentRow } from './tables.ts'

export interface DocumentsOptions extends PageBounds {
  database: Store
}

export type Documents = ReturnType<typeof createDocuments>

/** Where a document is filed. */
export interface Place {
  entity: string
  id: string
}

/** A document as it is stored now. */
export interface Stored {
  id: string
  /** The version in the ETag; grows with every change. */
  revision: number
  document: Document
  /** There was none before this write. */
  created: boolean
}

type Row = Selectable<DocumentRow>
type Write = Transaction<AdminTables>

/** `version` of the body when it can put writes into an order. */
const versionOf = ({ version }: Document): number | null =>
  typeof version === 'number' && Number.isSafeInteger(version) ? version : null

/** JSON documents by kind and id, with versions that late writers cannot turn back. Knows no HTTP. */
export function createDocuments({ database, ...bounds }: DocumentsOptions) {
  return {
    /** @throws DocumentNotFound */
    async get({ entity, id }: Place): Promise<Stored> {
      const row = await database.kysely
        .selectFrom('documents')
        .select(['body', 'revision'])
        .where('entity', '=', entity)
        .where('id', '=', id)
        .where('deleted_at', 'is', null)
        .executeTakeFirst()
      if (row === undefined) throw new DocumentNotFound(entity, id)
      return { id, revision: row.revision, document: parseBody(row.body), created: false }
    },

    /** @throws CursorInvalid */
    list: (entity: string, query: DocumentQuery): Promise<DocumentPage> =>
      listDocuments(database, bounds, entity, query),

    /**
     * Files a new document.
     * @throws DocumentExists, StaleVersion, TooDeep, NumberTooBig
     */
    async create(entity: string, body: Document & { id?: string }): Promise<Stored> {
      checkStorable(body)
      const place = { entity, id: body.id ?? randomUUID() }
      const document = { ...body, id: place.id }
      return database.write(async (trx) => {
        const row = await lock(trx, database, place)
        if (row.deleted_at === null) throw new DocumentExists(entity, place.id)
        refuseStale(row, versionOf(document))
        return file(trx, database, row, document)
      })
    },

    /**
     * Files a document whether there is one or not. What is stored already stays as it is.
     * @throws PreconditionFailed, StaleVersion, TooDeep, NumberTooBig
     */
    async put(place: Place, document: Document, given: Conditions = {}): Promise<Stored> {
      checkStorable(document)
      return database.write(async (trx) => {
        const row = await lock(trx, database, place)
        checkPreconditions(row, given)
        refuseStale(row, versionOf(document))
        return sameAs(row, document)
          ? { id: row.id, revision: row.revision, document, created: false }
          : file(trx, database, row, document)
      })
    },

    /**
     * Removes a document.
     * @param version place of the delete among the versions: older writes are refused from then on
     * @throws DocumentNotFound unless `version` is given, PreconditionFailed, StaleVersion
     */
    async remove(place: Place, given: Conditions = {}, version?: number): Promise<void> {
      await database.write(async (trx) => {
        const row = await lock(trx, database, place)
        checkPreconditions(row, given)
        if (version === undefined && row.deleted_at !== null) {
          throw new DocumentNotFound(place.entity, place.id)
        }
        const { body_version: stored } = row
        if (version !== undefined && stored !== null && version < stored)
          throw stale(version, stored)
        await bury(trx, database, row, version ?? null)
      })
    },
  }
}

/** An absent row is made first, as a tombstone that forbids nothing, so that there is one to lock. */
async function lock(trx: Write, database: Store, place: Place): Promise<Row> {
  const find = () =>
    trx
      .selectFrom('documents')
      .selectAll()
      .where('entity', '=', place.entity)
      .where('id', '=', place.id)
      // SQLite has one writer at a time and no row locks.
      .$if(database.dialect === 'postgres', (query) => query.forUpdate())
  const row = await find().executeTakeFirst()
  if (row !== undefined) return row
  const now = database.now()
  await trx
    .insertInto('documents')
    .values({
      ...place,
      body: database.json({}),
      size: 2,
      body_version: null,
      revision: now,
      created_at: now,
      updated_at: now,
      deleted_at: now,
    })
    // Somebody else may have made it in the meantime; then theirs is waited for and locked.
    .onConflict((conflict) => conflict.columns(['entity', 'id']).doNothing())
    .execute()
  return find().executeTakeFirstOrThrow()
}

function checkPreconditions(row: Row, given: Conditions): void {
  if (!isMet(given, row.deleted_at === null ? row.revision : undefined)) {
    throw new PreconditionFailed()
  }
}

const stale = (version: number, storedVersion: number): Error =>
  Object.assign(new StaleVersion(version, storedVersion), {
    extension: { version, storedVersion },
  })

/** The version of a delete is taken: what comes with it was written before. */
function refuseStale({ body_version: stored, deleted_at }: Row, version: number | null): void {
  if (version === null || stored === null) return
  if (version < stored || (version === stored && deleted_at !== null)) throw stale(version, stored)
}

const sameAs = (row: Row, document: Document): boolean =>
  row.deleted_at === null && isDeepStrictEqual(parseBody(row.body), document)

async function file(trx: Write, database: Store, row: Row, document: Document): Promise<Stored> {
  const created = row.deleted_at !== null
  const revision = row.revision + 1
  await trx
    .updateTable('documents')
    .set({
      body: database.json(document),
      size: JSON.stringify(document).length,
      body_version: versionOf(document),
      revision,
      ...(created ? { created_at: database.now() } : {}),
      updated_at: database.now(),
      deleted_at: null,
    })
    .where('entity', '=', row.entity)
    .where('id', '=', row.id)
    .execute()
  return { id: row.id, revision, document, created }
}

async function bury(trx: Write, database: Store, row: Row, version: number | null): Promise<void> {
  await trx
    .updateTable('documents')
    .set({
      body: database.json({}),
      size: 2,
      body_version: version,
      revision: row.revision + 1,
      updated_at: database.now(),
      deleted_at: database.now(),
    })
    .where('entity', '=', row.entity)
    .where('id', '=', row.id)
    .execute()
}
