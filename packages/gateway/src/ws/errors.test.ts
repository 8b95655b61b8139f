import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SOCKET_ERRORS } from './errors.ts'

test('the page about the protocol names every code, and no other', () => {
  const page = readFileSync(new URL('../../../../docs/socket.md', import.meta.url), 'utf8')

  const codes = [...page.matchAll(/^\| `(WS_[A-Z_]+)` \|/gmu)].map(([, code]) => code)

  expect(codes.toSorted()).toEqual(Object.keys(SOCKET_ERRORS).toSorted())
})
