import { lookup, resolveSrv } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Where } from './known-services.ts'

/** How names become addresses; the same ways that a connection takes. */
export interface Dns {
  lookup: (host: string) => Promise<string[]>
  srv: (name: string) => Promise<{ name: string; port: number; priority: number }[]>
}

/** The DNS of the machine, its hosts file included. */
export const systemDns: Dns = {
  lookup: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  srv: (name) => resolveSrv(name),
}

export interface Location {
  /** Null: the DNS does not know it. */
  url: string | null
  addresses: string[]
}

const hostOf = (url: string): string => new URL(url).hostname.replaceAll(/^\[|\]$/gu, '')

async function addressesOf(dns: Dns, host: string): Promise<string[]> {
  return isIP(host) === 0 ? (await dns.lookup(host)).toSorted() : [host]
}

/** Where a service is now. @throws when the DNS cannot say */
export async function locate(dns: Dns, where: Where): Promise<Location> {
  if ('url' in where)
    return { url: where.url, addresses: await addressesOf(dns, hostOf(where.url)) }
  const records = await dns.srv(where.srv)
  const [first] = records.toSorted((a, b) => a.priority - b.priority)
  if (first === undefined) return { url: null, addresses: [] }
  return {
    url: `http://${first.name}:${first.port}`,
    addresses: await addressesOf(dns, first.name),
  }
}
