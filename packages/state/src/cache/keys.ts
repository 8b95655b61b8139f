import { createHash } from 'node:crypto'

/** Under this key Redis holds the present generation; no state can have it, their keys have a third part. */
export const GENERATION_KEY = 'state:generation'

export const stateKey = (entity: string, id: string): string => `state:${entity}:${id}`

/** Changes with every change of a state of the type, which ends its lists. */
export const listTagKey = (entity: string): string => `state:list:${entity}`

/** @param question what is asked, in any form that is equal for equal questions */
export function listKey(entity: string, question: string): string {
  const digest = createHash('sha256').update(question).digest('base64url')
  return `${listTagKey(entity)}:${digest.slice(0, 22)}`
}
