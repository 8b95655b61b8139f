import type { User } from '@potok/contracts/user'

const folded = (text: string): string => text.toLowerCase().replaceAll('ё', 'е').trim()

/**
 * Who is meant by a name: the username, the whole name, or the beginning of one of its words.
 * @returns everybody who fits best; several when the name is not clear
 */
export function peopleCalled(name: string, people: readonly User[]): User[] {
  const wanted = folded(name).replace(/^@/u, '')
  if (wanted === '') return []
  const exact = people.filter(
    ({ username, displayName }) => username === wanted || folded(displayName) === wanted,
  )
  if (exact.length > 0) return exact
  const words = wanted.split(/[\s_.]+/u)
  return people.filter(({ displayName, username }) => {
    const own = [...folded(displayName).split(/\s+/u), username]
    return words.every((word) => own.some((part) => part.startsWith(word)))
  })
}
