import { createHash, timingSafeEqual } from 'node:crypto'

interface Key {
  name: string
  digest: Buffer
}

const digestOf = (secret: string): Buffer => createHash('sha256').update(secret, 'utf8').digest()

/**
 * Accepted keys out of `name=key,name=key` or bare `key`. Two keys may carry one name, for rotation.
 * @returns `identify(given)`: the name that belongs to a key, or undefined; takes equally long for every key
 */
export function createKeys(setting: string): { identify: (given: string) => string | undefined } {
  const keys: Key[] = setting
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => {
      const at = entry.indexOf('=')
      return at < 1
        ? { name: 'unnamed', digest: digestOf(entry) }
        : { name: entry.slice(0, at), digest: digestOf(entry.slice(at + 1)) }
    })
  return {
    identify(given) {
      const digest = digestOf(given)
      let name: string | undefined
      for (const key of keys) if (timingSafeEqual(key.digest, digest)) name = key.name
      return name
    },
  }
}
