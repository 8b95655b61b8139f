import { expect, test } from 'vitest'
import { outsideLocation, withOutsideLocations } from './location.ts'
import type { Target } from './targets.ts'

const TARGETS: Target[] = [{ prefix: '/api/v1/admin', service: 'admin', path: '/api/v1' }]
const place = { origin: 'http://admin.inside:3000', basePath: '/base' }

test.each([
  ['a path of the service', '/base/api/v1/users/u1?a=1#b', '/api/v1/admin/users/u1?a=1#b'],
  ['its whole address', 'http://admin.inside:3000/base/api/v1/users', '/api/v1/admin/users'],
  ['an address without a scheme', '//admin.inside:3000/base/api/v1/users', '/api/v1/admin/users'],
  ['somewhere else', 'https://example.org/api/v1/users', 'https://example.org/api/v1/users'],
  ['what stands beside what was asked for', 'u1', 'u1'],
  ['a path that nobody reaches from outside', '/base/health', undefined],
  ['a path that only looks like one of its', '/base/api/v1x/users', undefined],
  ['a path outside of its own', '/api/v1/users', undefined],
  ['its address with another path', 'http://admin.inside:3000/metrics', undefined],
  ['no address at all', 'http://[', undefined],
])('%s: %s is %s', (_case, location, outside) => {
  expect(outsideLocation(location, place, TARGETS)).toBe(outside)
})

test('both headers that tell a location are ours to tell, the others are left alone', () => {
  const headers = {
    location: '/base/api/v1/users/u1',
    'content-location': '/base/health',
    etag: '"1"',
  }

  expect(withOutsideLocations(headers, place, TARGETS)).toEqual({
    location: '/api/v1/admin/users/u1',
    etag: '"1"',
  })
})
