import { isIP } from 'node:net'
import { ConfigError } from '../config/index.ts'

/**
 * The CIDRs of `TRUSTED_PROXIES` as Fastify's `trustProxy`. Nothing but addresses is taken: a number of hops is silently
 * ignored by Fastify (every client then has the proxy's address), and trust in everybody lets clients choose theirs.
 * @param list comma separated, such as `10.0.0.0/8, fd00::/8`
 * @throws ConfigError that names the entry that cannot be used
 */
export function trustedProxies(list: string | undefined): string[] | false {
  const entries = (list ?? '').split(',').map((entry) => entry.trim())
  const cidrs = entries.filter((entry) => entry !== '')
  for (const cidr of cidrs) {
    const complaint = complaintAbout(cidr)
    if (complaint !== undefined) {
      throw new ConfigError(`TRUSTED_PROXIES: "${cidr}" ${complaint}, such as 10.0.0.0/8`)
    }
  }
  return cidrs.length > 0 && cidrs
}

function complaintAbout(cidr: string): string | undefined {
  const [address = '', prefix, ...rest] = cidr.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return 'is no CIDR; give the networks of the proxies'
  if (address.includes('%')) return 'has a zone; give a network without it'
  if (prefix === undefined) return undefined
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (version === 4 ? 32 : 128)) {
    return 'has an impossible prefix length; give the networks of the proxies'
  }
  return Number(prefix) === 0 ? 'trusts everybody; give the networks of the proxies' : undefined
}
