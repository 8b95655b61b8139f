import { PRIORITIES } from '@potok/contracts/task'
import type { User } from '@potok/contracts/user'
import { peopleCalled } from '../assignees.ts'
import { content, escaped } from '../content.ts'
import { dueText, endOfDayIn, readDue } from '../dates/index.ts'
import type { Chapter, Desk } from '../desk.ts'
import { DRAFT_STEPS, type Draft, type DraftStep } from '../dialogs.ts'
import { readPriority, readTaskLine, type TaskLine } from '../task-line.ts'
import type { Turn } from '../turn.ts'
import { create, draftId } from './create.ts'
import { answered, chooseAmong, everybody, goOn, type DraftDialog } from './draft-steps.ts'
import { menuButtons } from './menu.ts'

const DUE_DAYS = { today: 0, tomorrow: 1, week: 7 } as const
const NAME_SHOWN = 40

/** Takes what a line says: each thing that it has is not asked for any more. */
async function takeLine(
  turn: Turn,
  desk: Desk,
  dialog: DraftDialog,
  line: TaskLine,
): Promise<{ dialog: DraftDialog; remark?: string; choose?: User[] }> {
  const { texts } = turn
  let next = answered(dialog, 'title', {
    title: line.title,
    tags: [...new Set([...dialog.draft.tags, ...line.tags])],
    ...(line.description === undefined ? {} : { description: line.description }),
  })
  if (line.priority !== undefined) next = answered(next, 'priority', { priority: line.priority })
  let remark: string | undefined
  if (line.due?.past === false) next = answered(next, 'due', { dueAt: line.due.at })
  else if (line.due !== undefined) remark = texts.draft.pastDue(escaped(dueOf(turn, line.due.at)))
  if (line.assignee === undefined) return { dialog: next, ...(remark && { remark }) }
  const found = await meant(turn, desk, line.assignee)
  const [only] = found
  if (found.length === 1 && only !== undefined) {
    return { dialog: answered(next, 'assignee', { assignee: only.id }), ...(remark && { remark }) }
  }
  return {
    dialog: next,
    remark: remark ?? notClear(turn, line.assignee.name, found),
    choose: found,
  }
}

const dueOf = ({ now, person, texts }: Turn, at: number): string =>
  dueText(at, { now, timeZone: person.timeZone, locale: texts.locale, words: texts.days })

function notClear({ texts }: Turn, name: string, found: readonly User[]): string {
  const shown = escaped(name, NAME_SHOWN)
  return found.length === 0 ? texts.draft.unknownAssignee(shown) : texts.draft.manyAssignees(shown)
}

async function meant(
  turn: Turn,
  desk: Desk,
  { name, maxUserId }: NonNullable<TaskLine['assignee']>,
): Promise<User[]> {
  if (maxUserId !== undefined) {
    const user = await desk.accounts.byMaxUserId(maxUserId, turn.contact)
    return user === undefined ? [] : [user]
  }
  if (/^(я|мне|меня|me)$/iu.test(name)) {
    const self = await desk.accounts.byId(turn.person.userId, turn.contact)
    return self === undefined ? [] : [self]
  }
  return peopleCalled(name, await everybody(turn, desk))
}

const begun = ({ key, incoming }: Turn): DraftDialog => ({
  kind: 'draft',
  step: 'title',
  passed: [],
  draft: {
    id: draftId(key),
    tags: [],
    // A press is on a message of the bot's own, which is no source.
    ...(incoming.callback !== undefined || incoming.mid === undefined
      ? {}
      : { messageId: incoming.mid }),
  },
})

/** A task in one line: made at once, unless something in the line needs an answer. */
export async function createFrom(turn: Turn, desk: Desk, text: string): Promise<void> {
  const start = begun(turn)
  const line = readTaskLine(text, { ...turn.dates, mentions: mentionsIn(turn, text) })
  const { dialog, remark, choose } = await takeLine(turn, desk, start, line)
  if (line.title === '') return goOn(turn, desk, untitled(dialog))
  if (remark === undefined) return create(turn, desk, dialog.draft)
  // Only what is not clear is asked for.
  const isDue = line.due?.past === true
  const open: DraftStep = isDue ? 'due' : 'assignee'
  const passed = DRAFT_STEPS.filter((step) => step !== open)
  if (!isDue && choose !== undefined && choose.length > 1) {
    return chooseAmong(turn, { ...dialog, passed, step: open }, remark, choose)
  }
  return goOn(turn, desk, { ...dialog, passed }, remark)
}

/** Everything but the title was said. */
function untitled({ draft, passed, ...rest }: DraftDialog): DraftDialog {
  const { title: _empty, ...untold } = draft
  return { ...rest, draft: untold, passed: passed.filter((step) => step !== 'title') }
}

/** Mentions count from the beginning of the message; the line begins after the command. */
function mentionsIn({ incoming }: Turn, text: string) {
  const offset = incoming.text.indexOf(text)
  return incoming.mentions
    .map((mention) => ({ ...mention, from: mention.from - offset }))
    .filter(({ from }) => from >= 0)
}

/** What was typed while a step was asked for. */
async function typed(turn: Turn, desk: Desk, dialog: DraftDialog, text: string): Promise<void> {
  const { texts } = turn
  switch (dialog.step) {
    case 'title': {
      const line = readTaskLine(text, { ...turn.dates, mentions: mentionsIn(turn, text) })
      if (line.title === '') return goOn(turn, desk, dialog, texts.draft.emptyTitle)
      const taken = await takeLine(turn, desk, dialog, line)
      return goOn(turn, desk, taken.dialog, taken.remark)
    }
    case 'priority': {
      const priority = readPriority(text)
      return priority === undefined
        ? goOn(turn, desk, dialog, texts.draft.unknownPriority)
        : goOn(turn, desk, answered(dialog, 'priority', { priority }))
    }
    case 'due': {
      const due = readDue(text, turn.dates)
      if (due === undefined) return goOn(turn, desk, dialog, texts.draft.unknownDue)
      if (due.past)
        return goOn(turn, desk, dialog, texts.draft.pastDue(escaped(dueOf(turn, due.at))))
      return goOn(turn, desk, answered(dialog, 'due', { dueAt: due.at }))
    }
    case 'assignee': {
      const maxUserId = turn.incoming.mentions[0]?.maxUserId
      const named = { name: text, ...(maxUserId !== undefined && { maxUserId }) }
      const found = await meant(turn, desk, named)
      const [only] = found
      if (found.length === 1 && only !== undefined) {
        return goOn(turn, desk, answered(dialog, 'assignee', { assignee: only.id }))
      }
      const remark = notClear(turn, text, found)
      return found.length > 1
        ? chooseAmong(turn, dialog, remark, found)
        : goOn(turn, desk, dialog, remark)
    }
  }
}

/** What a button of the draft stands for. */
async function pressed(turn: Turn, desk: Desk, dialog: DraftDialog, what: string): Promise<void> {
  const [kind = '', ...rest] = what.split(':')
  const value = rest.join(':')
  if (kind === 'cancel') {
    turn.expect(undefined)
    return turn.show(content([turn.texts.cancelled], menuButtons(turn.texts)))
  }
  if (kind === 'create' && dialog.draft.title !== undefined) return create(turn, desk, dialog.draft)
  const step = DRAFT_STEPS.find((known) => known === value)
  if (kind === 'skip' && step !== undefined) {
    const title = step === 'title' ? { title: turn.texts.draft.untitledTask } : {}
    return goOn(turn, desk, answered(dialog, step, title))
  }
  const values = valuesOf(turn, kind, value)
  const about = DRAFT_STEPS.find((known) => known === kind)
  return values === undefined || about === undefined
    ? goOn(turn, desk, dialog)
    : goOn(turn, desk, answered(dialog, about, values))
}

function valuesOf({ dates }: Turn, kind: string, value: string): Partial<Draft> | undefined {
  if (kind === 'priority') {
    const priority = PRIORITIES.find((known) => known === value)
    return priority && { priority }
  }
  if (kind === 'due' && (value === 'today' || value === 'tomorrow' || value === 'week')) {
    return { dueAt: endOfDayIn(DUE_DAYS[value], dates) }
  }
  return kind === 'assignee' && value !== '' ? { assignee: value } : undefined
}

/** New tasks: in one line, or step by step. */
export const draft: Chapter = (bot, desk) => {
  bot.command(/^(?:new|новая)(?:\s+([\s\S]+))?$/u, ({ turn, match }) =>
    createFrom(turn, desk, match?.[1]?.trim() ?? ''),
  )
  bot.action('new', ({ turn }) => goOn(turn, desk, begun(turn)))
  bot.action(/^draft:([0-9a-f]{16}):(.+)$/u, async ({ turn, match }) => {
    const { texts } = turn
    const dialog = turn.dialog()
    if (dialog?.kind === 'draft' && dialog.draft.id === match?.[1]) {
      return pressed(turn, desk, dialog, match?.[2] ?? '')
    }
    // In a group it may be somebody else's, who still needs its buttons.
    if (turn.incoming.chat.group) return turn.say(content([texts.draft.foreign]))
    return turn.show(content([texts.draft.gone], menuButtons(texts)))
  })
  bot.on('message_created', async ({ turn }, next) => {
    const dialog = turn.dialog()
    const text = turn.incoming.text.trim()
    if (dialog?.kind !== 'draft' || text === '' || text.startsWith('/')) return next()
    return typed(turn, desk, dialog, text)
  })
}
