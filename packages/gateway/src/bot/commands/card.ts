import type { HistoryEntry, State } from '@potok/contracts/state'
import { bold, button, content, escaped } from '../content.ts'
import { dueText } from '../dates/index.ts'
import type { Chapter, Desk } from '../desk.ts'
import {
  actionsOf,
  isAction,
  isTaskStatus,
  targetOf,
  titleOf,
  viewOf,
  type Action,
} from '../task-view.ts'
import type { ChangeResult, TaskChange } from '../tasks.ts'
import type { Turn } from '../turn.ts'
import { toMenu } from './menu-button.ts'

const HISTORY_SHOWN = 10

/** Draws a task for who is on turn. */
export async function cardOf(turn: Turn, desk: Desk, state: State, header?: string) {
  const { person, texts, now, incoming, errand } = turn
  const viewing = { viewer: person, group: incoming.chat.group, texts, now }
  return {
    content: await desk.cards.render(state, viewing, errand, header),
    card: { taskId: state.entityId, version: state.version },
  }
}

/** Shows the card of a task on the message at hand. */
async function show(turn: Turn, desk: Desk, state: State | undefined, header?: string) {
  if (state === undefined) {
    turn.show(content([turn.texts.card.gone], toMenu(turn.texts)))
    return
  }
  const drawn = await cardOf(turn, desk, state, header)
  turn.show(drawn.content, drawn.card)
}

/** Makes the change that an action stands for. */
async function change(
  turn: Turn,
  desk: Desk,
  action: Action,
  task: State,
  reason?: string,
): Promise<ChangeResult> {
  const { person, errand, idempotencyKey } = turn
  const { assignee, status } = viewOf(task)
  const wanted: TaskChange = { status: targetOf(action, status) }
  if (reason !== undefined) wanted.reason = reason
  const me = person.userId
  if (action === 'take') wanted.metadata = { assignee: me }
  // Nobody's becomes mine. When it is mine already it is said again, so that a repetition asks for the same.
  const starts = action === 'start' && (assignee === undefined || assignee === me)
  if (starts) wanted.metadata = { assignee: me }
  const ifVersion = starts && assignee === undefined ? task.version : undefined
  return desk.tasks.change(task.entityId, wanted, idempotencyKey, errand, ifVersion)
}

/** What to say above a card when a change was refused. */
function refusal(turn: Turn, why: string, state: State): string {
  const { refused, statuses } = turn.texts
  if (why === 'not-owner') return refused.notOwner
  if (why === 'transition') {
    return refused.transition(isTaskStatus(state.status) ? statuses[state.status] : state.status)
  }
  return refused.changed
}

async function act(turn: Turn, desk: Desk, action: Action, taskId: string): Promise<void> {
  const task = await desk.tasks.get(taskId, turn.errand)
  if (task === undefined) return show(turn, desk, undefined)
  if (action === 'fail') return askReason(turn, task)
  const result = await change(turn, desk, action, task)
  return answer(turn, desk, result, taskId)
}

async function answer(turn: Turn, desk: Desk, result: ChangeResult, taskId: string) {
  if (result.done) return show(turn, desk, result.state)
  const state = await desk.tasks.get(taskId, turn.errand)
  const why = state && refusal(turn, result.why, state)
  // In a group the card is everybody's: who may not press is told below it.
  if (why !== undefined && turn.incoming.chat.group) return turn.say(content([why]))
  return show(turn, desk, state, why)
}

function askReason(turn: Turn, task: State): void {
  const { texts, incoming } = turn
  const { mid } = incoming
  const { title, id, status } = viewOf(task)
  if (!actionsOf(status, ['failed']).includes('fail')) {
    turn.say(content([refusal(turn, 'transition', task)], toMenu(texts)))
    return
  }
  turn.expect({ kind: 'reason', taskId: id, ...(mid === undefined ? {} : { mid }) })
  turn.say(
    content(
      [texts.askReason(escaped(title))],
      [[button(texts.buttons.skip, `unreasoned:${id}`), button(texts.buttons.cancel, 'cancel')]],
    ),
  )
}

/** The reason was given, or not: the change is made, the card edited where it stands, and the person told below. */
async function fail(turn: Turn, desk: Desk, taskId: string, reason: string): Promise<void> {
  const { texts } = turn
  const dialog = turn.dialog()
  const mid = dialog?.kind === 'reason' && dialog.taskId === taskId ? dialog.mid : undefined
  turn.expect(undefined)
  const task = await desk.tasks.get(taskId, turn.errand)
  if (task === undefined) return show(turn, desk, undefined)
  const result = await change(turn, desk, 'fail', task, reason)
  const state = result.done ? result.state : await desk.tasks.get(taskId, turn.errand)
  if (state === undefined) return show(turn, desk, undefined)
  const drawn = await cardOf(turn, desk, state)
  if (mid === undefined) return turn.show(drawn.content, drawn.card)
  turn.edit(mid, drawn.content, drawn.card)
  const text = result.done ? texts.noted : refusal(turn, result.why, state)
  turn.show(content([text], [[button(texts.buttons.open, `card:${taskId}`)]]))
}

async function showHistory(turn: Turn, desk: Desk, taskId: string): Promise<void> {
  const { texts, errand } = turn
  const entries = await desk.tasks.history(taskId, { limit: HISTORY_SHOWN }, errand)
  const title = titleOf(entries[0]?.metadata ?? {}, taskId)
  const lines = await Promise.all(entries.map((entry) => historyLine(turn, desk, entry)))
  turn.show(
    content(
      [texts.history.title(escaped(title)), ...(lines.length > 0 ? lines : [texts.history.empty])],
      [[button(texts.buttons.back, `card:${taskId}`)]],
    ),
  )
}

async function historyLine(turn: Turn, desk: Desk, entry: HistoryEntry): Promise<string> {
  const { texts, person, now, incoming, contact } = turn
  const viewing = { viewer: person, group: incoming.chat.group, texts, now }
  const who = await desk.cards.actorName(entry.actor, viewing, contact)
  const when = dueText(Date.parse(entry.timestamp), {
    now,
    timeZone: person.timeZone,
    locale: texts.locale,
    words: texts.days,
  })
  const reason = entry.reason === undefined ? '' : ` (${escaped(entry.reason, 100)})`
  return `${when} · ${bold(escaped(happened(turn, entry)))} · ${who}${reason}`
}

function happened({ texts }: Turn, { event, previousStatus, newStatus }: HistoryEntry): string {
  const { history, statuses } = texts
  if (event === 'entity.created') return history.created
  if (newStatus === null) return history.deleted
  if (newStatus === previousStatus) return history.changed
  return isTaskStatus(newStatus) ? statuses[newStatus] : newStatus
}

/** The card of a task: its buttons, its history, and the reason when it failed. */
export const card: Chapter = (bot, desk) => {
  bot.action(/^card:(.+)$/u, async ({ turn, match }) => {
    await show(turn, desk, await desk.tasks.get(match?.[1] ?? '', turn.errand))
  })
  bot.action(/^do:(\w+):(.+)$/u, async ({ turn, match }, next) => {
    const action = match?.[1] ?? ''
    return isAction(action) ? act(turn, desk, action, match?.[2] ?? '') : next()
  })
  bot.action(/^history:(.+)$/u, ({ turn, match }) => showHistory(turn, desk, match?.[1] ?? ''))
  bot.action(/^unreasoned:(.+)$/u, ({ turn, match }) =>
    fail(turn, desk, match?.[1] ?? '', turn.texts.reasonSkipped),
  )
  bot.on('message_created', async ({ turn }, next) => {
    const dialog = turn.dialog()
    const text = turn.incoming.text.trim()
    if (dialog?.kind !== 'reason' || text === '' || text.startsWith('/')) return next()
    return fail(turn, desk, dialog.taskId, text.slice(0, 1000).toWellFormed())
  })
}
