import { expect, test } from 'vitest'
import { createTargetGuard, isPublic } from './target-guard.ts'

const strict = createTargetGuard({ allowed: undefined, production: true })

test.each([
  'http://127.0.0.1/',
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f.1/',
  'http://0x7f000001/',
  'http://0177.0.0.1/',
  'http://127.0.0.1./',
  'http://１２７.0.0.1/',
  'http://[::1]/',
  'http://[::]/',
  'http://[0:0:0:0:0:0:0:1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::ffff:8.8.8.8]/',
  'http://[::127.0.0.1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[64:ff9b:1::7f00:1]/',
  'http://[2002:7f00:1::]/',
  'http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/',
  'http://[fe80::1]/',
  'http://[fec0::1]/',
  'http://[fc00::1]/',
  'http://[fd00:ec2::254]/',
  'http://[ff02::1]/',
  'http://[2001:db8::1]/',
  'http://[3fff::1]/',
  'http://[100::1]/',
  'http://[5f00::1]/',
  'http://0.0.0.0/',
  'http://0/',
  'http://10.0.0.1/',
  'http://172.16.0.1/',
  'http://192.168.1.1/',
  'http://169.254.169.254/latest/meta-data',
  'http://168.63.129.16/',
  'http://100.64.0.1/',
  'http://192.0.0.1/',
  'http://192.0.2.1/',
  'http://192.88.99.1/',
  'http://198.18.0.1/',
  'http://198.51.100.1/',
  'http://203.0.113.1/',
  'http://224.0.0.1/',
  'http://240.0.0.1/',
  'http://255.255.255.255/',
  'http://localhost/',
  'http://app.localhost/',
  'http://LOCALHOST./',
])('%s is refused with the name of the setting', (url) => {
  expect(() => strict.check(url)).toThrow(/WEBHOOK_ALLOWED_TARGETS/u)
})

test.each([
  'ftp://example.com/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'example.com/hook',
  '',
  'http://',
  'http://user:secret@example.com/',
])('%s is no target at all', (url) => {
  expect(() => strict.check(url)).toThrow(/not|password/u)
})

test.each(['https://your-app.com/webhook', 'http://8.8.8.8:8080/', 'http://[2606:4700::1111]/'])(
  '%s is accepted',
  (url) => {
    expect(() => strict.check(url)).not.toThrow()
  },
)

test('development opens loopback, production does not, and a setting replaces the default', () => {
  const development = createTargetGuard({ allowed: undefined, production: false })
  const set = createTargetGuard({ allowed: '10.0.0.0/8', production: false })

  expect(development.allowsAddress('127.0.0.1')).toBe(true)
  expect(development.allowsAddress('::1')).toBe(true)
  expect(development.allowsAddress('::ffff:127.0.0.1')).toBe(true)
  expect(development.allowsAddress('10.0.0.1')).toBe(false)
  expect(() => development.check('http://localhost:3001/')).not.toThrow()
  expect(strict.allowsAddress('127.0.0.1')).toBe(false)
  expect(set.allowsAddress('127.0.0.1')).toBe(false)
  expect(set.allowsAddress('10.1.2.3')).toBe(true)
})

test('an opened origin is exact: scheme, host and port', () => {
  const guard = createTargetGuard({ allowed: 'http://gateway:3001, 192.168.7.7', production: true })

  expect(guard.allowsOrigin('http://gateway:3001')).toBe(true)
  expect(guard.allowsOrigin('http://gateway:3002')).toBe(false)
  expect(guard.allowsOrigin('https://gateway:3001')).toBe(false)
  expect(guard.allowsAddress('192.168.7.7')).toBe(true)
  expect(guard.allowsAddress('192.168.7.8')).toBe(false)
})

test('a setting that means nothing stops the start', () => {
  expect(() => createTargetGuard({ allowed: 'gateway', production: true })).toThrow(
    'WEBHOOK_ALLOWED_TARGETS: "gateway" is neither an origin nor a CIDR',
  )
})

test.each([
  ['8.8.8.8', true],
  ['2606:4700::1111', true],
  ['not an address', false],
  ['::ffff:8.8.8.8', false],
])('the address %s is public: %s', (address, expected) => {
  expect(isPublic(address)).toBe(expected)
})
