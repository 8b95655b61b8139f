import { hash, randomBytes } from 'node:crypto'

/** Ids begin with their time: new ones go to the end of an index, instead of all over it. 48 bits of milliseconds. */
const TIME_DIGITS = 12
/** And go on with their place among the events that share their time. Beyond 16 bits it starts again. */
const PLACE_DIGITS = 4
/** 48 bits, which tell the rest apart. */
const REST_DIGITS = 12

const digitsOf = (value: number, digits: number): string =>
  Math.max(0, Math.trunc(value)).toString(16).padStart(digits, '0').slice(-digits)

const orderOf = (timestampMs: number, place: number): string =>
  digitsOf(timestampMs, TIME_DIGITS) + digitsOf(place, PLACE_DIGITS)

/**
 * Id of an entity's event: of one change always the same. The time is part of it, so that the changes made after an
 * old backup came back are no duplicates of those that they replace.
 * @param place among the events of its time, from 0
 */
export function entityEventId(
  { entity, id, version }: { entity: string; id: string; version: number },
  timestampMs: number,
  place: number,
): string {
  const digest = hash('sha256', `${entity}\n${id}\n${version}`)
  return `evt_${orderOf(timestampMs, place)}${digest.slice(0, REST_DIGITS)}`
}

/** Id of an event that belongs to no version of an entity. */
export const randomEventId = (timestampMs: number, place = 0): string =>
  `evt_${orderOf(timestampMs, place)}${randomBytes(REST_DIGITS / 2).toString('hex')}`
