import { Type } from '@sinclair/typebox'

/** The strong tag of a version (RFC 9110, 8.8.3). */
export const entityTag = (version: number): string => `"${version}"`

const TAG = '(?:W/)?"[^"]*"'
const TagList = (description: string, example: string) =>
  Type.Optional(
    Type.String({
      maxLength: 1024,
      pattern: `^\\s*(?:\\*|${TAG}(?:\\s*,\\s*${TAG})*)\\s*$`,
      description,
      examples: [example],
    }),
  )

/** `If-Match` of a change: only when the stored one is (one of) these. */
export const IfMatch = TagList(
  'Only when the stored one has this ETag; `*`: when there is one',
  '*',
)
/** `If-None-Match` of a read: 304 when the reader has it already. */
export const IfNoneMatch = TagList('304 when the stored one has this ETag', '"0"')
/** `If-None-Match: *` of a write: only when there is none yet. */
export const OnlyCreate = TagList('`*`: only when there is none yet', '*')

/** Does `If-Match` let a change of what has `tag` through? Strong comparison: a weak tag never matches. */
export function matches(ifMatch: string | undefined, tag: string | undefined): boolean {
  if (ifMatch === undefined) return true
  if (tag === undefined) return false
  return ifMatch.trim() === '*' || tagsOf(ifMatch).includes(tag)
}

/** Does `If-None-Match` name what has `tag`? Weak comparison: a proxy that compressed the answer weakened the tag. */
export function names(ifNoneMatch: string | undefined, tag: string | undefined): boolean {
  if (ifNoneMatch === undefined || tag === undefined) return false
  if (ifNoneMatch.trim() === '*') return true
  return tagsOf(ifNoneMatch).some((one) => one.replace(/^W\//u, '') === tag)
}

const tagsOf = (list: string): string[] => list.match(/(?:W\/)?"[^"]*"/gu) ?? []
