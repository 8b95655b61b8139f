import { expect, test } from 'vitest'
import { createTimestamp } from './timestamp.ts'

test.each([
  ['2026-11-10T10:00:00.000Z'],
  ['2026-11-10T10:00:00.007Z'],
  ['2026-11-10T10:00:00.999Z'],
  ['2026-11-10T10:00:01.000Z'],
  ['2026-12-31T23:59:59.042Z'],
  ['1969-12-31T23:59:59.900Z'],
])('%s is told as it is, whatever was told before', (iso) => {
  let now = Date.parse('2026-11-10T10:00:00.500Z')
  const timestamp = createTimestamp(() => now)

  const before = timestamp()
  now = Date.parse(iso)

  expect(before).toBe(',"timestamp":"2026-11-10T10:00:00.500Z"')
  expect(timestamp()).toBe(`,"timestamp":"${iso}"`)
})
