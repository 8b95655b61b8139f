import { isIPv6 } from 'node:net'

/**
 * The network that one client has for itself: an IPv4 address, or an IPv6 /64, since a client can take any address of
 * its /64.
 */
export function networkOf(ip: string): string {
  const mapped = /^::ffff:(?<v4>\d+\.\d+\.\d+\.\d+)$/iu.exec(ip)?.groups?.['v4']
  if (mapped !== undefined || !isIPv6(ip)) return mapped ?? ip
  const [address = ''] = ip.split('%')
  const [head = '', tail] = address.split('::')
  const before = head.split(':').filter(Boolean)
  const after = (tail ?? '').split(':').filter(Boolean)
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0')
  const groups = [...before, ...zeros, ...after].slice(0, 4)
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}
