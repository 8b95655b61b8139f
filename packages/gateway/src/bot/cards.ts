import type { State } from '@potok/contracts/state'
import type { Accounts } from './accounts.ts'
import { bold, button, content, escaped } from './content.ts'
import { dueText } from './dates/index.ts'
import type { Button, Content } from './outgoing.ts'
import type { Person } from './people.ts'
import type { Contact } from './service-call.ts'
import { actionsOf, mayChange, viewOf, type TaskView } from './task-view.ts'
import type { Tasks } from './tasks.ts'
import type { Texts } from './texts/index.ts'

export interface CardsDeps {
  tasks: Pick<Tasks, 'transitions'>
  accounts: Pick<Accounts, 'nameOf'>
}

/** Who looks at a card, and where. */
export interface Viewing {
  viewer: Pick<Person, 'userId' | 'roles' | 'timeZone'>
  /** In a group everybody sees the same buttons; who may press them is decided at the press. */
  group: boolean
  texts: Texts
  /** Epoch milliseconds. */
  now: number
}

export type Cards = ReturnType<typeof createCards>

const BUTTONS_A_ROW = 2
const DESCRIPTION_SHOWN = 1200

/** Draws tasks. */
export function createCards({ tasks, accounts }: CardsDeps) {
  /** What an actor is called: `user:<id>` by name. */
  async function actorName(actor: string, viewing: Viewing, contact: Contact): Promise<string> {
    const { someone } = viewing.texts
    const [kind, ...rest] = actor.split(':')
    const id = rest.join(':')
    if (kind === 'system') return someone.system
    if (kind === 'service') return someone.service(escaped(id))
    if (id === viewing.viewer.userId && !viewing.group) return someone.you
    const name = await accounts.nameOf(id, contact)
    return name === undefined ? someone.unknown : escaped(name)
  }

  async function namesOf({ assignee, author }: TaskView, viewing: Viewing, contact: Contact) {
    const [assigneeName, authorName] = await Promise.all([
      assignee === undefined ? undefined : actorName(`user:${assignee}`, viewing, contact),
      actorName(author, viewing, contact),
    ])
    return { assignee: assigneeName, author: authorName }
  }

  return {
    actorName,
    /** @param header a line above the card, HTML */
    async render(
      state: State,
      viewing: Viewing,
      contact: Contact,
      header?: string,
    ): Promise<Content> {
      const task = viewOf(state)
      const [transitions, names] = await Promise.all([
        tasks.transitions(task.id, contact),
        namesOf(task, viewing, contact),
      ])
      // A change between the two answers: the buttons are of what is shown, and a press is judged anew.
      const allowed = transitions?.status === state.status ? transitions.allowed : []
      const lines = linesOf(task, names, viewing)
      return content(
        header === undefined ? lines : [`${header}\n`, ...lines],
        buttonsOf(task, allowed, viewing),
      )
    },
  }
}

function linesOf(
  task: TaskView,
  names: { assignee: string | undefined; author: string },
  { texts, now, viewer }: Viewing,
): (string | undefined)[] {
  const { card } = texts
  const status = task.status === undefined ? task.statusName : texts.statuses[task.status]
  const isOver = task.status === 'completed' || task.status === 'failed'
  const { timeZone } = viewer
  const format = { now, timeZone, locale: texts.locale, words: texts.days }
  return [
    `${bold(escaped(task.title))} · ${escaped(status)}`,
    task.priority && card.priority(texts.priorities[task.priority]),
    task.dueAt && card.due(dueText(task.dueAt, format), task.dueAt < now && !isOver),
    names.assignee === undefined ? card.nobody : card.assignee(names.assignee),
    card.author(names.author),
    task.tags.length === 0 ? undefined : escaped(task.tags.map((tag) => `#${tag}`).join(' ')),
    task.description && `\n${escaped(task.description, DESCRIPTION_SHOWN)}`,
    task.status === 'failed' && task.reason !== undefined
      ? card.reason(escaped(task.reason))
      : undefined,
  ].map((line) => (typeof line === 'string' ? line : undefined))
}

function buttonsOf(task: TaskView, allowed: readonly string[], viewing: Viewing): Button[][] {
  const { viewer, group, texts } = viewing
  const isManager = viewer.roles.some((role) => role !== 'member')
  const may = group || mayChange(task, { userId: viewer.userId, isManager })
  const actions = may
    ? actionsOf(task.status, allowed).map((action) =>
        button(texts.actions[action], `do:${action}:${task.id}`),
      )
    : []
  const rows: Button[][] = []
  for (let at = 0; at < actions.length; at += BUTTONS_A_ROW) {
    rows.push(actions.slice(at, at + BUTTONS_A_ROW))
  }
  rows.push([
    button(texts.buttons.history, `history:${task.id}`),
    button(texts.buttons.list, 'tasks:mine:0'),
  ])
  return rows
}
