import { createHash, timingSafeEqual } from 'node:crypto'
import { ConfigError } from '../config/index.ts'

interface Key {
  name: string
  digest: Buffer
}

const NAME_ALONE = /^(?<name>[a-z][a-z0-9-]{0,62})=$/u

/** A bare key may be base64 and end in `=`; a name is what may stand in `service:<name>`. */
const NAMED = /^(?<name>[a-z][a-z0-9-]{0,62})=(?<key>[^=].*)$/u

const digestOf = (secret: string): Buffer => createHash('sha256').update(secret, 'utf8').digest()

/**
 * Accepted keys out of `name=key,name=key` or bare `key`. Two keys may carry one name, for rotation.
 * @throws ConfigError when there is no key at all, or a name without one, as an unset variable of a script leaves it
 * @returns `identify(given)`: the name that belongs to a key, or undefined; takes equally long for every key
 */
export function createKeys(setting: string): { identify: (given: string) => string | undefined } {
  const keys: Key[] = setting
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => {
      const alone = NAME_ALONE.exec(entry)?.groups?.['name']
      if (alone !== undefined) throw new ConfigError(`API_KEYS has no key for ${alone}`)
      const { name, key } = NAMED.exec(entry)?.groups ?? {}
      return { name: name ?? 'unnamed', digest: digestOf(key ?? entry) }
    })
  if (keys.length === 0) throw new ConfigError('API_KEYS holds no key')
  return {
    identify(given) {
      const digest = digestOf(given)
      let name: string | undefined
      for (const key of keys) if (timingSafeEqual(key.digest, digest)) name = key.name
      return name
    },
  }
}
