import type { State } from '@potok/contracts/state'
import { call } from '../../system/api.ts'
import { toldOf, type Wish } from './team.ts'

const KEY = { 'x-api-key': 'gateway-service-key' }
const PAGE = 500

/** Titles of all tasks, once for each task. */
async function titles(state: string): Promise<string[]> {
  const found: string[] = []
  let cursor: string | undefined
  do {
    const next = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const { body } = await call<{ items: State[]; nextCursor?: string }>(
      `${state}/api/v1/states/task?limit=${PAGE}${next}`,
      { headers: KEY },
    )
    found.push(...body.items.map(({ metadata }) => String(metadata['title'])))
    cursor = body.nextCursor
  } while (cursor !== undefined)
  return found
}

/** Nobody is told of a task of their own. */
const noticesWanted = ({ author, assignee }: Wish): number => (author === assignee ? 0 : 1)

export interface Verdict {
  /** Wishes that are not fulfilled yet, or for ever. */
  missing: string[]
  /** What happened twice. */
  twice: string[]
}

/** Holds tasks and chats against what was asked for. */
export async function judge(state: string, wishes: readonly Wish[]): Promise<Verdict> {
  const missing: string[] = []
  const twice: string[] = []
  const all = await titles(state)
  for (const wish of wishes) {
    const tasks = all.filter((title) => title === wish.title).length
    const { cards, notices } = await toldOf(wish)
    const wanted = noticesWanted(wish)
    for (const [what, got, expected] of [
      ['task', tasks, 1],
      ['card', cards, 1],
      ['notice', notices, wanted],
    ] as const) {
      if (got < expected) missing.push(`${what} of «${wish.title}»`)
      if (got > expected) twice.push(`${what} of «${wish.title}», ${got} times`)
    }
  }
  return { missing, twice }
}
