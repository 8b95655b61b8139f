import ipaddr from 'ipaddr.js'
import { aboutField, TargetRefused } from './errors.ts'

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Range = [Address, number]

const LOOPBACK = '127.0.0.0/8,::1/128'
/** Global unicast; everything else of IPv6 is reserved, local or an embedding of IPv4. */
const GLOBAL_IPV6: Range = [ipaddr.parse('2000::'), 3]
/** Public by its range, but what answers there is the cloud provider's own (Azure's wire server). */
const NOT_PUBLIC = new Set(['168.63.129.16'])

export interface TargetGuardOptions {
  /** WEBHOOK_ALLOWED_TARGETS: origins, CIDRs or addresses, comma separated. */
  allowed: string | undefined
  /** Unset in development opens loopback; in production it opens nothing. */
  production: boolean
}

/** Is the address one that anybody on the internet may be reached at? */
export function isPublic(text: string): boolean {
  if (!ipaddr.isValid(text) || NOT_PUBLIC.has(text)) return false
  const address = ipaddr.parse(text)
  if (address.range() !== 'unicast') return false
  return address.kind() === 'ipv4' || address.match(GLOBAL_IPV6)
}

function refuse(why: string): never {
  throw aboutField(new TargetRefused(why), 'url')
}

/** The address that a URL's host spells out, without brackets; undefined for a name. */
function literalOf(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return ipaddr.isValid(bare) ? bare : undefined
}

function parseAllowed(setting: string): { origins: Set<string>; ranges: Range[] } {
  const origins = new Set<string>()
  const ranges: Range[] = []
  for (const entry of setting.split(',').map((part) => part.trim())) {
    if (entry === '') continue
    if (ipaddr.isValidCIDR(entry)) ranges.push(ipaddr.parseCIDR(entry))
    else if (ipaddr.isValid(entry)) {
      const address = ipaddr.parse(entry)
      ranges.push([address, address.kind() === 'ipv4' ? 32 : 128])
    } else if (URL.canParse(entry) && new URL(entry).origin !== 'null') {
      origins.add(new URL(entry).origin)
    } else throw new Error(`WEBHOOK_ALLOWED_TARGETS: "${entry}" is neither an origin nor a CIDR`)
  }
  return { origins, ranges }
}

export type TargetGuard = ReturnType<typeof createTargetGuard>

/**
 * Decides where deliveries may go: to public addresses, and to what the operator opened.
 * @throws Error an entry of the setting is neither an origin nor a CIDR
 */
export function createTargetGuard({ allowed, production }: TargetGuardOptions) {
  const { origins, ranges } = parseAllowed(allowed ?? (production ? '' : LOOPBACK))

  /** May a connection be made to this address? */
  function allowsAddress(text: string): boolean {
    if (isPublic(text)) return true
    if (!ipaddr.isValid(text)) return false
    // process: the IPv4 address inside an IPv4-mapped one is the one that would be reached.
    const address = ipaddr.process(text)
    return ranges.some(
      ([range, bits]) => address.kind() === range.kind() && address.match(range, bits),
    )
  }

  return {
    allowsAddress,
    /** An exact origin that the operator opened: whatever it resolves to. */
    allowsOrigin: (origin: string): boolean => origins.has(origin),
    /** The address that the host of a URL spells out, in any spelling; undefined for a name. */
    literalOf,
    /**
     * Checks a URL when it is given to us. Names are checked again at every delivery, by what they resolve to.
     * @throws TargetRefused
     */
    check(text: string): void {
      if (!URL.canParse(text)) refuse(`"${text}" is not a URL`)
      const url = new URL(text)
      if (url.protocol !== 'http:' && url.protocol !== 'https:')
        refuse(`${url.protocol} is not http: or https:`)
      if (url.username !== '' || url.password !== '')
        refuse('A URL with a user name or a password in it is not accepted')
      if (origins.has(url.origin)) return
      const literal = literalOf(url.hostname)
      if (literal !== undefined && !allowsAddress(literal))
        refuse(`${url.hostname} is not a public address`)
      const local = /(?:^|\.)localhost\.?$/u.test(url.hostname)
      if (local && !allowsAddress('127.0.0.1') && !allowsAddress('::1'))
        refuse(`${url.hostname} is this machine`)
    },
  }
}
