/** What a person does to the dialog with the bot as a whole: start, stop, clear, remove, mute. */
import type { Changes } from './changes.ts'
import type { Chats, Dialog } from './chats.ts'
import { ControlConflict } from './errors.ts'
import type { Messages } from './messages.ts'
import type { People, Person } from './people.ts'
import type { Updates } from './updates.ts'
import type { UpdateType } from './wire.ts'

/** A longer payload of a start link is silently dropped; the bot starts all the same. */
const MAX_START_PAYLOAD = 128

interface Deps {
  people: People
  chats: Chats
  messages: Messages
  updates: Updates
  changes: Changes
}

export type Dialogs = ReturnType<typeof createDialogs>

export function createDialogs(deps: Deps) {
  const tell = (type: UpdateType, person: Person, fields: Record<string, unknown> = {}): void =>
    publish(deps, type, person, fields)
  return {
    /** Presses start, or follows a start link. Also resumes a stopped bot. */
    start(userId: number, payload?: string): Dialog {
      const { person, dialog } = sides(deps, userId)
      dialog.status = 'active'
      changed(deps, person, dialog)
      const fits = payload !== undefined && payload.length <= MAX_START_PAYLOAD
      tell('bot_started', person, { payload: fits ? payload : undefined, user_id: userId })
      return dialog
    },
    stop(userId: number): Dialog {
      const { person, dialog } = startedSides(deps, userId)
      dialog.status = 'suspended'
      changed(deps, person, dialog)
      tell('bot_stopped', person, { user_id: userId })
      return dialog
    },
    /** The platform tells both: stopped and removed. */
    remove(userId: number): Dialog {
      const { person, dialog } = startedSides(deps, userId)
      dialog.status = 'suspended'
      clearHistory(deps, dialog)
      changed(deps, person, dialog)
      tell('bot_stopped', person, { user_id: userId })
      tell('dialog_removed', person, { user_id: userId })
      return dialog
    },
    clear(userId: number): Dialog {
      const { person, dialog } = startedSides(deps, userId)
      clearHistory(deps, dialog)
      tell('dialog_cleared', person, { user_id: userId })
      return dialog
    },
    /** @param until Unix milliseconds; absent: unmute */
    mute(userId: number, until?: number): Dialog {
      const { person, dialog } = startedSides(deps, userId)
      if (until === undefined) tell('dialog_unmuted', person, { user_id: userId })
      else tell('dialog_muted', person, { muted_until: until, user_id: userId })
      return dialog
    },
  }
}

function sides({ people, chats }: Deps, userId: number): { person: Person; dialog: Dialog } {
  const person = people.get(userId)
  people.touch(person)
  return { person, dialog: chats.dialog(userId) }
}

function startedSides(deps: Deps, userId: number): { person: Person; dialog: Dialog } {
  const both = sides(deps, userId)
  if (both.dialog.status !== 'active') {
    throw new ControlConflict(
      `Person ${userId} has not started the bot; POST /control/people/${userId}/start does`,
    )
  }
  return both
}

function changed({ chats, changes }: Deps, person: Person, dialog: Dialog): void {
  chats.touch(dialog)
  changes.tell({ kind: 'person', person })
  changes.tell({ kind: 'chat', chat: dialog })
}

function clearHistory({ messages, changes }: Deps, dialog: Dialog): void {
  messages.clearChat(dialog.chatId)
  dialog.pinnedMid = undefined
  changes.tell({ kind: 'history-cleared', chatId: dialog.chatId })
}

function publish(
  { people, chats, updates }: Deps,
  type: UpdateType,
  person: Person,
  fields: Record<string, unknown>,
): void {
  const { chatId } = chats.dialog(person.userId)
  updates.publish(type, chatId, {
    chat_id: chatId,
    user: people.view(person.userId),
    user_locale: person.locale,
    ...fields,
  })
}
