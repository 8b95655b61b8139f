import { matcherOf } from './key-pattern.ts'

const DEFAULTS = 'state:*=300,state:list:*=60'

/**
 * How long keys live. Of several patterns that fit the longest one decides.
 * @param text `CACHE_TTL`, such as `state:user:*=30,state:task:vip-*=0`; what it does not say is as always
 */
export function createTimeToLive(text = '') {
  const given = `${DEFAULTS},${text}`.split(',').filter((rule) => rule !== '')
  const rules = given
    .map((rule, place) => {
      const [pattern = '', seconds] = rule.split('=')
      return { pattern, place, fits: matcherOf(pattern), ms: Number(seconds) * 1000 }
    })
    // Of two that are as long the later: the given one replaces the default.
    .toSorted((a, b) => b.pattern.length - a.pattern.length || b.place - a.place)

  /** Milliseconds; 0: the key is not cached. */
  return (key: string): number => rules.find(({ fits }) => fits(key))?.ms ?? 0
}
