import { fastify } from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { trustedProxies } from './trusted-proxies.ts'

/** What a request from `from` with this X-Forwarded-For is taken to come from. */
async function ipOf(list: string, from: string, forwarded: string): Promise<unknown> {
  const app = fastify({ trustProxy: trustedProxies(list) })
  onTestFinished(() => app.close())
  app.get('/', async ({ ip, protocol }) => ({ ip, protocol }))
  const response = await app.inject({
    url: '/',
    remoteAddress: from,
    headers: { 'x-forwarded-for': forwarded, 'x-forwarded-proto': 'https' },
  })
  return response.json()
}

test('nothing configured trusts nobody', () => {
  expect(trustedProxies(undefined)).toBe(false)
  expect(trustedProxies(' , ')).toBe(false)
})

test('networks and single addresses of both families are taken', () => {
  expect(trustedProxies('10.0.0.0/8, 192.168.1.7,fd00::/8,::1')).toEqual([
    '10.0.0.0/8',
    '192.168.1.7',
    'fd00::/8',
    '::1',
  ])
})

test.each([
  '1',
  'true',
  'loopback',
  '10.0.0.0/33',
  'fd00::/129',
  '10.0.0.0/',
  '10.0.0.0/-1',
  '10.0.0.0/8/8',
  '10.0.0/8',
  '0x0a000001/8',
  'proxy.local',
  '0.0.0.0/0',
  '::/0',
  'fe80::1%eth0',
])('%s is refused, by name and with what to write instead', (entry) => {
  expect(() => trustedProxies(`10.0.0.0/8,${entry}`)).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^TRUSTED_PROXIES: ".*such as 10\.0\.0\.0\/8$/),
    }),
  )
  expect(() => trustedProxies(entry)).toThrow(`"${entry}"`)
})

test('behind a trusted proxy the client is the last address that no trusted proxy has', async () => {
  expect(await ipOf('10.0.0.0/8', '10.1.1.1', '203.0.113.7')).toEqual({
    ip: '203.0.113.7',
    protocol: 'https',
  })
  expect(await ipOf('10.0.0.0/8', '10.1.1.1', '203.0.113.7, 10.2.2.2')).toMatchObject({
    ip: '203.0.113.7',
  })
})

test('an address that the client put before its own changes nothing', async () => {
  expect(await ipOf('10.0.0.0/8', '10.1.1.1', '198.51.100.1, 203.0.113.7')).toMatchObject({
    ip: '203.0.113.7',
  })
})

test('who does not come through a trusted proxy is who it is, whatever it claims', async () => {
  expect(await ipOf('10.0.0.0/8', '203.0.113.9', '198.51.100.1')).toEqual({
    ip: '203.0.113.9',
    protocol: 'http',
  })
})

test('a proxy that connects over a mapped IPv4 address is recognised', async () => {
  expect(await ipOf('10.0.0.0/8', '::ffff:10.1.1.1', '203.0.113.7')).toMatchObject({
    ip: '203.0.113.7',
  })
})
