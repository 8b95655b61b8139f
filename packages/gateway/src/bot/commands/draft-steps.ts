import { button, content, escaped } from '../content.ts'
import type { User } from '@potok/contracts/user'
import { PRIORITIES } from '@potok/contracts/task'
import type { Desk } from '../desk.ts'
import { DRAFT_STEPS, type DialogOf, type Draft, type DraftStep } from '../dialogs.ts'
import { PeopleUnavailable } from '../errors.ts'
import type { Button } from '../outgoing.ts'
import type { Turn } from '../turn.ts'
import { create } from './create.ts'

export type DraftDialog = DialogOf<'draft'>

const PEOPLE_OFFERED = 6
const NAME_SHOWN = 40

/** Asks for the next thing that is open, or makes the task. @param remark said before the question, HTML */
export async function goOn(
  turn: Turn,
  desk: Desk,
  dialog: DraftDialog,
  remark?: string,
): Promise<void> {
  const { draft, passed } = dialog
  const step = DRAFT_STEPS.find((open) => !passed.includes(open))
  if (step === undefined) return create(turn, desk, draft)
  turn.expect({ ...dialog, step })
  const { texts } = turn
  const asked = {
    title: texts.draft.askTitle,
    priority: texts.draft.askPriority,
    due: texts.draft.askDue,
    assignee: texts.draft.askAssignee,
  }[step]
  const title = draft.title === undefined ? undefined : texts.draft.title(escaped(draft.title))
  const buttons = await choices(turn, desk, dialog, step)
  turn.show(content([title, remark, remark === undefined ? asked : undefined], buttons))
}

async function choices(
  turn: Turn,
  desk: Desk,
  { draft }: DraftDialog,
  step: DraftStep,
): Promise<Button[][]> {
  const { texts } = turn
  const to = (what: string): string => `draft:${draft.id}:${what}`
  const cancel = button(texts.buttons.cancel, to('cancel'))
  if (step === 'title') return [[button(texts.draft.untitled, to('skip:title'))], [cancel]]
  const last = [
    [button(texts.buttons.skip, to(`skip:${step}`))],
    [button(texts.buttons.createNow, to('create')), cancel],
  ]
  if (step === 'priority') {
    const all = PRIORITIES.map((name) => button(texts.priorities[name], to(`priority:${name}`)))
    return [all.slice(0, 2), all.slice(2), ...last]
  }
  if (step === 'due') {
    const { today, tomorrow, week } = texts.draft.dues
    return [
      [button(today, to('due:today')), button(tomorrow, to('due:tomorrow'))],
      [button(week, to('due:week'))],
      ...last,
    ]
  }
  const people = await everybody(turn, desk)
  const others = people.filter(({ id }) => id !== turn.person.userId).slice(0, PEOPLE_OFFERED)
  return [
    [button(texts.draft.me, to(`assignee:${turn.person.userId}`))],
    ...others.map((user) => [personButton(user, draft.id)]),
    ...last,
  ]
}

/** Without the admin service a task can still be made: nobody is offered. */
export async function everybody(turn: Turn, desk: Desk): Promise<User[]> {
  try {
    return await desk.accounts.all(turn.contact)
  } catch (error) {
    if (error instanceof PeopleUnavailable) return []
    throw error
  }
}

const personButton = ({ id, displayName }: User, draft: string): Button =>
  button(displayName.slice(0, NAME_SHOWN), `draft:${draft}:assignee:${id}`)

/** The draft with one more answer. */
export function answered(
  { draft, passed, ...rest }: DraftDialog,
  step: DraftStep,
  values: Partial<Draft> = {},
): DraftDialog {
  return { ...rest, draft: { ...draft, ...values }, passed: [...new Set([...passed, step])] }
}

/** Several people fit a name. */
export function chooseAmong(turn: Turn, dialog: DraftDialog, remark: string, people: User[]): void {
  const { texts } = turn
  const { id } = dialog.draft
  turn.expect(dialog)
  turn.show(
    content(
      [remark],
      [
        ...people.slice(0, PEOPLE_OFFERED).map((user) => [personButton(user, id)]),
        [button(texts.buttons.skip, `draft:${id}:skip:assignee`)],
        [button(texts.buttons.cancel, `draft:${id}:cancel`)],
      ],
    ),
  )
}
