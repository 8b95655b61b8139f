import { createHash } from 'node:crypto'
import type { TaskMetadata } from '@potok/contracts/task'
import { content, escaped } from '../content.ts'
import type { Desk } from '../desk.ts'
import type { Draft } from '../dialogs.ts'
import { TasksUnavailable } from '../errors.ts'
import type { Turn } from '../turn.ts'
import { cardOf } from './card.ts'
import { toMenu } from './menu-button.ts'

/** The id of what an update begins: letters and digits, the same however often the update is worked. */
export function draftId(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 16)
}

function metadataOf({ chatId }: Turn, draft: Draft): TaskMetadata {
  const { title = '', description, priority, dueAt, assignee, tags, messageId } = draft
  return {
    title,
    ...(description === undefined ? {} : { description }),
    ...(priority === undefined ? {} : { priority }),
    ...(dueAt === undefined ? {} : { dueAt: new Date(dueAt).toISOString() }),
    ...(assignee === undefined ? {} : { assignee }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(chatId === undefined
      ? {}
      : { source: { chatId, ...(messageId === undefined ? {} : { messageId }) } }),
  }
}

/** Makes the task, or keeps it until the state service is back. Either way the person is told. */
export async function create(turn: Turn, desk: Desk, draft: Draft): Promise<void> {
  const { texts, errand, person, to, incoming } = turn
  const taskId = `task-${draft.id}`
  const metadata = metadataOf(turn, draft)
  // Of the draft, not of the update: two presses make one task.
  const idempotencyKey = `bot-create-${draft.id}`
  turn.expect(undefined)
  try {
    const result = await desk.tasks.create(taskId, metadata, idempotencyKey, errand)
    if (!result.done) throw new Error(`The state service refused a new task: ${result.why}`)
    const drawn = await cardOf(turn, desk, result.state, texts.card.created)
    turn.show(drawn.content, drawn.card)
  } catch (error) {
    if (!(error instanceof TasksUnavailable)) throw error
    turn.defer({
      taskId,
      metadata,
      idempotencyKey,
      userId: person.userId,
      ...to,
      group: incoming.chat.group,
      locale: person.locale,
      correlationId: errand.correlationId,
    })
    turn.show(content([texts.down.kept(escaped(metadata.title))], toMenu(texts)))
  }
}
