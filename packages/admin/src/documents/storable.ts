import { NumberTooBig, TooDeep } from './errors.ts'

/** SQLite reads no JSON deeper than 1000 levels, and one such document would break every filter of its entity. */
const DEPTH_LIMIT = 100

/** @throws TooDeep, NumberTooBig when a store of ours could not give the document back as it is */
export function checkStorable(document: object): void {
  // A list and not recursion: the depth is the sender's choice.
  let level: object[] = [document]
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > DEPTH_LIMIT) throw new TooDeep(DEPTH_LIMIT)
    const members: unknown[] = level.flatMap((one) => Object.values(one))
    // JSON.parse reads 1e400 as Infinity, and Infinity would be stored as null.
    if (members.some((member) => typeof member === 'number' && !Number.isFinite(member))) {
      throw new NumberTooBig()
    }
    level = members.filter((member) => typeof member === 'object' && member !== null)
  }
}
