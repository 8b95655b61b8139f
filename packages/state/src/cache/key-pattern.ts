/** Characters that mean something in a pattern of Redis and nothing in ours. */
const REDIS_SPECIAL = /[?[\]\\^-]/gu

/** `state:task:*`: the star stands for any characters, everything else for itself. */
export function matcherOf(pattern: string): (key: string) => boolean {
  const parts = pattern
    .split('*')
    .map((part) => part.replace(/[\\^$.|?+()[\]{}]/gu, String.raw`\$&`))
  const expression = new RegExp(`^${parts.join('.*')}$`, 'u')
  return (key) => expression.test(key)
}

/** The same pattern as Redis writes it. */
export const redisPatternOf = (pattern: string): string =>
  pattern.replace(REDIS_SPECIAL, String.raw`\$&`)
