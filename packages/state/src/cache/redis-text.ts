import { createParser } from '@potok/core/validation'
import { Type } from '@sinclair/typebox'
import { bodyStamp, type Entry } from './entry.ts'

/** A list as a level keeps it. */
export interface KeptList {
  body: string
  ageMs: number
}

const parseEntry = createParser(
  Type.Object({
    generation: Type.String(),
    stamp: Type.Integer({ minimum: 1 }),
    version: Type.Integer({ minimum: 0 }),
    state: Type.Optional(
      Type.Object({ entity: Type.String(), entityId: Type.String(), version: Type.Integer() }),
    ),
  }),
)

const parseList = createParser(
  Type.Object({
    generation: Type.String(),
    tag: Type.String(),
    ttl: Type.Integer(),
    list: Type.Object({ items: Type.Array(Type.Unknown()) }),
  }),
)

const BODY = ',"state":'
const LIST = ',"list":'

/** The text of an entry behind its stamp, with the body and without. The script puts generation and stamp in front. */
export function restOf({ version, body }: Entry): { full: string; bare: string } {
  const bare = `,"version":${version}}`
  return { full: body === undefined ? bare : `,"version":${version}${BODY}${body}}`, bare }
}

function parsed<T>(text: string, parse: (value: unknown) => T): T | undefined {
  try {
    return parse(JSON.parse(text))
  } catch {
    // Whatever stands there is none of ours: it is as if nothing did.
    return undefined
  }
}

/** Reads an entry of a generation; undefined: there is none. Redis is not ours alone: everything is looked at. */
export function readEntry(key: string, text: string, generation: string): Entry | undefined {
  const read = parsed(text, parseEntry)
  if (read === undefined || read.generation !== generation) return undefined
  const { stamp, version, state } = read
  if (state === undefined) return { stamp, version, body: undefined }
  if (`state:${state.entity}:${state.entityId}` !== key || state.version !== version)
    return undefined
  const isWhole = stamp === bodyStamp(version) || stamp === bodyStamp(0)
  if (!isWhole) return undefined
  return { stamp, version, body: text.slice(text.indexOf(BODY) + BODY.length, -1) }
}

export function listText(generation: string, tag: string, ttlMs: number, body: string): string {
  return `{"generation":"${generation}","tag":"${tag}","ttl":${ttlMs}${LIST}${body}}`
}

/** Reads a list; undefined: there is none, or a change came after it. @param leftMs what is left of its time to live */
export function readList(
  text: string,
  { generation, tag, leftMs }: { generation: string; tag: string; leftMs: number },
): KeptList | undefined {
  const read = parsed(text, parseList)
  if (read === undefined || read.generation !== generation || read.tag !== tag) return undefined
  return { body: text.slice(text.indexOf(LIST) + LIST.length, -1), ageMs: read.ttl - leftMs }
}
