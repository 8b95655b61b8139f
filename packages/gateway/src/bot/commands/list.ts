import { TASK_STATUSES, type TaskStatus } from '@potok/contracts/task'
import type { State } from '@potok/contracts/state'
import { button, content, escaped } from '../content.ts'
import { dueText } from '../dates/index.ts'
import type { Chapter, Desk } from '../desk.ts'
import type { Button } from '../outgoing.ts'
import { viewOf } from '../task-view.ts'
import type { TaskFilter } from '../tasks.ts'
import type { Texts } from '../texts/index.ts'
import type { Turn } from '../turn.ts'
import { menuButtons } from './menu.ts'

const PAGE = 8
/** What the state service gives at once; further pages are of no use in a chat. */
const LAST_PAGE = Math.floor(500 / PAGE) - 2

/** What is still to be done. */
const OPEN: readonly TaskStatus[] = ['created', 'pending', 'in_progress', 'failed']

const SCOPES = ['mine', 'created', 'all'] as const
type Scope = (typeof SCOPES)[number]

/** In payloads a scope stands bare and a status after `is-`, since `created` is both. */
interface Choice {
  scope: Scope
  status?: TaskStatus
}

/** How people call the lists. */
const NAMES: readonly (readonly [RegExp, Choice])[] = [
  [/^(мои|мое|моя|mine|my)$/u, { scope: 'mine' }],
  [/^(от меня|от-меня|созданные мной|by me)$/u, { scope: 'created' }],
  [/^(все|all)$/u, { scope: 'all' }],
  [/^(нов(ые|ая)|created|new)$/u, { scope: 'all', status: 'created' }],
  [/^(жд(ут|ет)|отложенные|pending|waiting)$/u, { scope: 'all', status: 'pending' }],
  [
    /^(в работе|работа|in_progress|in progress|progress)$/u,
    { scope: 'all', status: 'in_progress' },
  ],
  [/^(готов(ые|о|а)|выполненные|completed|done)$/u, { scope: 'all', status: 'completed' }],
  [/^(не вышл[аио]|неудачные|проваленные|failed)$/u, { scope: 'all', status: 'failed' }],
]

const isScope = (name: string): name is Scope => SCOPES.some((scope) => scope === name)

const payloadOf = ({ scope, status }: Choice, page: number): string =>
  `tasks:${status === undefined ? scope : `is-${status}`}:${page}`

function choiceOf(name: string): Choice | undefined {
  if (isScope(name)) return { scope: name }
  const status = TASK_STATUSES.find((known) => `is-${known}` === name)
  return status === undefined ? undefined : { scope: 'all', status }
}

/** «мои», «все», «готовые», `in_progress` … */
function chosenBy(words: string): Choice | undefined {
  const name = words.trim().toLowerCase().replaceAll('ё', 'е').replaceAll(/\s+/gu, ' ')
  if (name === '') return { scope: 'mine' }
  return NAMES.find(([pattern]) => pattern.test(name))?.[1]
}

function filterOf({ scope, status }: Choice, userId: string): TaskFilter {
  return {
    status: status === undefined ? OPEN : [status],
    ...(scope === 'mine' ? { assignee: userId } : {}),
    ...(scope === 'created' ? { createdBy: `user:${userId}` } : {}),
  }
}

async function showList(turn: Turn, desk: Desk, choice: Choice, wanted: number): Promise<void> {
  const { texts, person, errand } = turn
  const page = Math.min(Math.max(0, wanted), LAST_PAGE)
  const filter = filterOf(choice, person.userId)
  const items = await desk.tasks.list(filter, (page + 1) * PAGE + 1, errand)
  const shown = items.slice(page * PAGE, (page + 1) * PAGE)
  const { scope, status } = choice
  const title = status === undefined ? texts.filters[scope] : texts.lists[status]
  const heading =
    page === 0
      ? texts.list.title(title)
      : `${texts.list.title(title)} · ${texts.list.page(page + 1)}`
  turn.show(
    content(
      [
        heading,
        ...(shown.length === 0 ? [texts.list.empty] : shown.map((item) => line(turn, item))),
      ],
      [
        ...shown.map((item) => [taskButton(item)]),
        pages(turn, choice, page, items.length > (page + 1) * PAGE),
        ...filterButtons(texts),
        [button(texts.buttons.newTask, 'new'), button(texts.buttons.menu, 'menu')],
      ],
    ),
  )
}

function line({ texts, person, now }: Turn, item: State): string {
  const task = viewOf(item)
  const status = task.status === undefined ? task.statusName : texts.statuses[task.status]
  const due =
    task.dueAt === undefined
      ? ''
      : ` · ${dueText(task.dueAt, { now, timeZone: person.timeZone, locale: texts.locale, words: texts.days })}`
  return `• ${escaped(task.title, 100)} · ${escaped(status)}${due}`
}

/** Three in a row: more would be cut on a phone. */
function filterButtons({ filters, lists }: Texts): Button[][] {
  const scopes = SCOPES.map((scope) => button(filters[scope], payloadOf({ scope }, 0)))
  const statuses = TASK_STATUSES.map((status) =>
    button(lists[status], payloadOf({ scope: 'all', status }, 0)),
  )
  return [scopes, statuses.slice(0, 3), statuses.slice(3)]
}

function taskButton(item: State): Button {
  return button(viewOf(item).title, `card:${item.entityId}`)
}

function pages({ texts }: Turn, choice: Choice, page: number, more: boolean): Button[] {
  return [
    ...(page > 0 ? [button(texts.buttons.previous, payloadOf(choice, page - 1))] : []),
    ...(more && page < LAST_PAGE ? [button(texts.buttons.next, payloadOf(choice, page + 1))] : []),
  ]
}

/** Lists of tasks with pages. */
export const list: Chapter = (bot, desk) => {
  bot.command(/^(?:tasks|задачи)(?:\s+([\s\S]+))?$/u, async ({ turn, match }) => {
    const words = match?.[1] ?? ''
    const choice = chosenBy(words)
    if (choice !== undefined) return showList(turn, desk, choice, 0)
    const text = turn.texts.list.unknownFilter(escaped(words, 60))
    return turn.say(content([text], menuButtons(turn.texts)))
  })
  bot.action(/^tasks:([a-z_-]+):(\d{1,3})$/u, async ({ turn, match }, next) => {
    const choice = choiceOf(match?.[1] ?? '')
    return choice === undefined ? next() : showList(turn, desk, choice, Number(match?.[2]))
  })
}
