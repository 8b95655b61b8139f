import type { Page, State } from '@potok/contracts/state'
import type { Pool } from 'undici'
import { median, quantile, rounded } from '../statistics.ts'
import { ASSIGNEE, STATUS } from './fill.ts'
import { askWell } from './requests.ts'

export interface PagesSample {
  /** Pages of fifty that there are. */
  pages: number
  medianMs: number
  p95Ms: number
  /** Medians of the first, the middle and the last tenth of the pages that were asked for. */
  firstMs: number
  middleMs: number
  lastMs: number
}

const LONGEST = 500
const PAGE = 50

export const FILTERS = {
  'by status': `status=${STATUS}`,
  'by metadata': `metadata.assignee=${ASSIGNEE}`,
}

const list = (filter: string, limit: number, cursor: string | undefined): string =>
  `states/task?${filter}&limit=${limit}${cursor === undefined ? '' : `&cursor=${cursor}`}`

/** Walks to the end in the longest pages; their cursors are good for pages of any length. */
async function cursorsOf(pool: Pool, filter: string): Promise<(string | undefined)[]> {
  const cursors: (string | undefined)[] = [undefined]
  for (;;) {
    const { text } = await askWell(pool, list(filter, LONGEST, cursors.at(-1)))
    const { nextCursor } = JSON.parse(text) as Page<State>
    if (nextCursor === undefined) return cursors
    cursors.push(nextCursor)
  }
}

/** Pages from the first to the last, evenly. */
export async function measurePages(
  pool: Pool,
  filter: string,
  requests: number,
): Promise<PagesSample> {
  const cursors = await cursorsOf(pool, filter)
  const times: number[] = []
  for (let n = 0; n < requests; n += 1) {
    const cursor = cursors[Math.floor((n * cursors.length) / requests)]
    times.push((await askWell(pool, list(filter, PAGE, cursor))).ms)
  }
  const tenth = Math.ceil(requests / 10)
  const middle = Math.floor((requests - tenth) / 2)
  const of = (part: number[]): number => rounded(median(part))
  const sorted = times.toSorted((a, b) => a - b)
  return {
    pages: (cursors.length * LONGEST) / PAGE,
    medianMs: of(times),
    p95Ms: rounded(quantile(sorted, 0.95)),
    firstMs: of(times.slice(0, tenth)),
    middleMs: of(times.slice(middle, middle + tenth)),
    lastMs: of(times.slice(-tenth)),
  }
}
