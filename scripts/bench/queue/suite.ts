import { rounded } from '../statistics.ts'
import type { Suite } from '../suite.ts'
import { backlog } from './backlog.ts'

/** The claim of the queue, with little and with much waiting behind it. */
export const benchQueue: Suite = async ({ quick, only, progress }) => {
  if (only !== undefined && !'backlog'.includes(only)) return undefined
  progress('backlog of the queue')
  const samples = await backlog(quick ? 20 : 100)
  return {
    samples,
    table: Object.fromEntries(
      samples.map(({ shape, jobs, perJobMs }) => [
        `${shape}, ${jobs} jobs`,
        { 'ms a job': rounded(perJobMs, 3) },
      ]),
    ),
  }
}
