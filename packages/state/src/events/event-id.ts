import { createHash, randomBytes } from 'node:crypto'

/** Ids begin with their time: new ones go to the end of an index, instead of all over it. 48 bits of milliseconds. */
const TIME_DIGITS = 12
/** 48 bits, which tell events of one millisecond apart. */
const REST_DIGITS = 12

const timeOf = (timestampMs: number): string =>
  Math.max(0, Math.trunc(timestampMs)).toString(16).padStart(TIME_DIGITS, '0').slice(-TIME_DIGITS)

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
  const digest = createHash('sha256').update(`${entity}\n${id}\n${version}`).digest('hex')
  return `evt_${timeOf(timestampMs)}${digest.slice(0, REST_DIGITS)}`
}

/** Id of an event that belongs to no version of an entity. */
export const randomEventId = (timestampMs: number): string =>
  `evt_${timeOf(timestampMs)}${randomBytes(REST_DIGITS / 2).toString('hex')}`
