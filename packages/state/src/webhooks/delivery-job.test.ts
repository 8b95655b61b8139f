import { expect, test } from 'vitest'
import { randomEventId } from '../events/index.ts'
import { deliveryId } from './delivery-job.ts'

test('deliveries have ids in the order of the events of a write', () => {
  const events = Array.from({ length: 300 }, (_, place) => randomEventId(1_700_000_000_000, place))
  const ids = events.map((event) => deliveryId('whs_1', event))

  expect(ids.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
})

test('an event goes to each subscription under another id, always the same', () => {
  const event = randomEventId(1_700_000_000_000)
  expect(deliveryId('whs_1', event)).not.toBe(deliveryId('whs_2', event))
  expect(deliveryId('whs_1', event)).toBe(deliveryId('whs_1', event))
})

test('an event whose id says no place yet keeps the ids of its deliveries', () => {
  expect(deliveryId('whs_1', 'evt_019a6d9e8e109f86d081884c')).toBe('dlv_019a6d9e8e10c7d96a32e17a')
})

test('an event whose id tells no order has deliveries as well', () => {
  expect(deliveryId('whs_1', 'evt_1')).toMatch(/^dlv_[0-9a-f]{24}$/u)
})
