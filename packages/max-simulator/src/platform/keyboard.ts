/** The rules of an inline keyboard. */
import { BadPayload } from './errors.ts'
import type { ButtonRequest } from './schemas.ts'
import type { Button } from './wire.ts'

const MAX_BUTTONS = 210
const MAX_ROWS = 30
const MAX_PER_ROW = 7
/** Rows with a button of these kinds hold less. */
const MAX_WIDE_PER_ROW = 3
const WIDE = new Set<Button['type']>([
  'link',
  'open_app',
  'request_geo_location',
  'request_contact',
])
const MAX_PAYLOAD = 1024
const MAX_URL = 2048
const MAX_APP_PAYLOAD = 512

/** @throws BadPayload with the first rule that is broken */
export function keyboardOf(rows: readonly (readonly ButtonRequest[])[]): Button[][] {
  if (rows.length === 0) throw new BadPayload('Keyboard must have at least one row of buttons')
  if (rows.length > MAX_ROWS) throw new BadPayload(`Keyboard: at most ${MAX_ROWS} rows`)
  if (rows.flat().length > MAX_BUTTONS) {
    throw new BadPayload(`Keyboard: at most ${MAX_BUTTONS} buttons`)
  }
  return rows.map((row) => rowOf(row))
}

function rowOf(row: readonly ButtonRequest[]): Button[] {
  if (row.length === 0) throw new BadPayload('Keyboard: a row must have at least one button')
  const most = row.some(({ type }) => WIDE.has(type)) ? MAX_WIDE_PER_ROW : MAX_PER_ROW
  if (row.length > most) throw new BadPayload(`Keyboard: at most ${most} such buttons in a row`)
  return row.map((button) => buttonOf(button))
}

function buttonOf(request: ButtonRequest): Button {
  const { type, text } = request
  switch (type) {
    case 'callback':
    case 'clipboard':
      return { type, text, payload: sized(request.payload, 'payload', MAX_PAYLOAD) }
    case 'link':
      return { type, text, url: sized(request.url, 'url', MAX_URL) }
    case 'request_geo_location':
      return { type, text, quick: request.quick ?? undefined }
    case 'open_app':
      return { type, text, ...appOf(request) }
    case 'message':
    case 'request_contact':
      return { type, text }
  }
}

function sized(value: string | null | undefined, field: string, most: number): string {
  if (value === null || value === undefined) {
    throw new BadPayload(`Field '${field}' cannot be null`)
  }
  if (value.length > most) throw new BadPayload(`${field}: size must be between 0 and ${most}`)
  return value
}

function appOf({ web_app, payload, contact_id }: ButtonRequest): Partial<Button> {
  if (typeof web_app !== 'string') throw new BadPayload("Field 'webApp' cannot be null")
  if (typeof payload === 'string' && !/^[\w-]*$/u.test(payload)) {
    throw new BadPayload('payload: only letters, digits, _ and - are allowed')
  }
  return {
    web_app,
    payload: typeof payload === 'string' ? sized(payload, 'payload', MAX_APP_PAYLOAD) : undefined,
    contact_id: contact_id ?? undefined,
  }
}
