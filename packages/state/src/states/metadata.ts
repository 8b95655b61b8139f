import type { Metadata } from '@potok/contracts/state'
import { IndexedArrayTooLong, MetadataTooDeep, MetadataTooLarge } from './errors.ts'

/** SQLite's JSON functions end at 1000 levels, and nobody reads what is nested so deeply. */
const DEPTH_LIMIT = 32
/** Elements of an array at an indexed path: each is a row of the index. */
const INDEXED_ELEMENTS_LIMIT = 256

function depthOf(value: unknown, limit: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (limit === 0) return 1
  let deepest = 0
  for (const member of Object.values(value)) {
    deepest = Math.max(deepest, depthOf(member, limit - 1))
  }
  return deepest + 1
}

export interface MetadataLimits {
  /** Of the JSON text in UTF-8. */
  bytes: number
  /** Metadata paths with an index. */
  indexes: readonly string[]
}

/**
 * The text under which metadata is stored.
 * @throws 422 too deep, too large, too much to be indexed
 */
export function metadataText(metadata: Metadata, { bytes, indexes }: MetadataLimits): string {
  if (depthOf(metadata, DEPTH_LIMIT) > DEPTH_LIMIT) throw new MetadataTooDeep(DEPTH_LIMIT)
  for (const path of indexes) {
    const value = valueAt(metadata, path)
    if (Array.isArray(value) && value.length > INDEXED_ELEMENTS_LIMIT) {
      throw new IndexedArrayTooLong(path, INDEXED_ELEMENTS_LIMIT)
    }
  }
  const text = JSON.stringify(metadata)
  if (text.length > bytes || Buffer.byteLength(text) > bytes) throw new MetadataTooLarge(bytes)
  return text
}

/** The value at a dotted path; undefined when there is none. */
function valueAt(metadata: Metadata, path: string): unknown {
  let value: unknown = metadata
  for (const member of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Object.getOwnPropertyDescriptor(value, member)?.value
  }
  return value
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : String(value))

/** What the array at a path holds, as the texts that queries compare with. */
function elementsAt(metadata: Metadata, path: string): string[] {
  const value = valueAt(metadata, path)
  if (!Array.isArray(value)) return []
  const scalars = value.filter((element) => element !== null && typeof element !== 'object')
  return [...new Set(scalars.map(textOf))]
}

export interface Element {
  path: string
  value: string
}

/** The elements of arrays at the indexed paths. */
export function indexedElements(metadata: Metadata, paths: readonly string[]): Element[] {
  return paths.flatMap((path) => elementsAt(metadata, path).map((value) => ({ path, value })))
}
