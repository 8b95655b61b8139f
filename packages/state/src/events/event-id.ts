import { createHash, randomBytes } from 'node:crypto'

/** 96 bits: a store would have to hold 10^13 events before two of them met by chance. */
const HEX_DIGITS = 24

/**
 * Id of an entity's event: of one change always the same. The time is part of it, so that the changes made after an
 * old backup came back are no duplicates of those that they replace.
 */
export function entityEventId(
  entity: string,
  id: string,
  version: number,
  timestampMs: number,
): string {
  const digest = createHash('sha256').update(`${entity}\n${id}\n${version}\n${timestampMs}`)
  return `evt_${digest.digest('hex').slice(0, HEX_DIGITS)}`
}

/** Id of an event that belongs to no version of an entity. */
export const randomEventId = (): string => `evt_${randomBytes(HEX_DIGITS / 2).toString('hex')}`
