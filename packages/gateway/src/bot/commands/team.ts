import { TASK_STATUSES, type TaskStatus } from '@potok/contracts/task'
import { bar, content, escaped } from '../content.ts'
import type { Chapter, Desk } from '../desk.ts'
import { viewOf } from '../task-view.ts'
import type { TaskFilter } from '../tasks.ts'
import type { Turn } from '../turn.ts'
import { toMenu } from './menu-button.ts'

const OPEN: readonly TaskStatus[] = ['created', 'pending', 'in_progress']
const PEOPLE_SHOWN = 30
/** Open tasks looked through for those that are late. */
const LOOKED_THROUGH = 500

/** Who is there and how much each has to do. Members see themselves. */
async function showTeam(turn: Turn, desk: Desk): Promise<void> {
  const { texts, errand, person, isManager, contact } = turn
  const [everybody, groups, presences] = await Promise.all([
    desk.accounts.all(contact),
    desk.tasks.counts({ status: OPEN }, 'metadata.assignee', errand),
    desk.tasks.presences(LOOKED_THROUGH, errand),
  ])
  const load = new Map(groups.map(({ value, count }) => [value, count]))
  const present = new Map(presences.map(({ entityId, status }) => [entityId, status]))
  const people = (isManager ? everybody : everybody.filter(({ id }) => id === person.userId))
    .toSorted((a, b) => (load.get(b.id) ?? 0) - (load.get(a.id) ?? 0))
    .slice(0, PEOPLE_SHOWN)
  const greatest = Math.max(1, ...people.map(({ id }) => load.get(id) ?? 0))
  const lines = people.map(({ id, displayName }) => {
    const count = load.get(id) ?? 0
    const status = present.get(id)
    const word = status === 'online' || status === 'busy' ? status : 'offline'
    const picture = bar(count, greatest)
    return texts.team.line(
      escaped(displayName, 60),
      texts.presences[word],
      texts.tasks(count),
      picture,
    )
  })
  const unassigned = load.get(null) ?? 0
  turn.show(
    content(
      [
        texts.team.title,
        ...(lines.length === 0 ? [texts.team.empty] : lines),
        isManager && unassigned > 0 ? texts.team.unassigned(texts.tasks(unassigned)) : undefined,
      ],
      toMenu(texts),
    ),
  )
}

/** Results: of the team for managers, else one's own. */
async function showStats(turn: Turn, desk: Desk): Promise<void> {
  const { texts, errand, person, isManager, now } = turn
  const filter: TaskFilter = isManager ? {} : { assignee: person.userId }
  const [groups, open] = await Promise.all([
    desk.tasks.counts(filter, 'status', errand),
    desk.tasks.list({ ...filter, status: OPEN }, LOOKED_THROUGH, errand),
  ])
  const counts = new Map(groups.map(({ value, count }) => [value, count]))
  const greatest = Math.max(1, ...counts.values())
  const overdue = open.map(viewOf).filter(({ dueAt }) => dueAt !== undefined && dueAt < now).length
  const lines = TASK_STATUSES.map((status) => {
    const count = counts.get(status) ?? 0
    return texts.stats.line(texts.statuses[status], count, bar(count, greatest))
  })
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  turn.show(
    content(
      [
        isManager ? texts.stats.team : texts.stats.own,
        ...(total === 0 ? [texts.stats.none] : lines),
        overdue > 0 ? texts.stats.overdue(texts.tasks(overdue)) : undefined,
      ],
      toMenu(texts),
    ),
  )
}

/** Workload and results as text with small pictures made of characters. */
export const team: Chapter = (bot, desk) => {
  bot.command(['team', 'команда'], ({ turn }) => showTeam(turn, desk))
  bot.action('team', ({ turn }) => showTeam(turn, desk))
  bot.command(['stats', 'итоги'], ({ turn }) => showStats(turn, desk))
  bot.action('stats', ({ turn }) => showStats(turn, desk))
}
