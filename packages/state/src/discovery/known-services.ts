/** Where a service is to be found: an origin, or the name of an SRV record that tells it. */
export type Where = { url: string } | { srv: string }

export interface ServiceEntry {
  name: string
  where: Where
}

/** Reads `DISCOVERY_SERVICES`: `name=http://host:port` or `name=srv:_http._tcp.name`, comma separated. */
export function parseServices(text = ''): ServiceEntry[] {
  return text
    .split(',')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [name = '', ...rest] = entry.split('=')
      const where = rest.join('=')
      return {
        name,
        where: where.startsWith('srv:') ? { srv: where.slice('srv:'.length) } : { url: where },
      }
    })
}
