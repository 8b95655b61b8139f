/** What a person does with buttons. */
import { createHash } from 'node:crypto'
import { contactCard, locationOf, vcfOf } from './attachments.ts'
import type { Callbacks } from './callbacks.ts'
import type { Chat } from './chats.ts'
import type { Clock } from './clock.ts'
import { ControlNotFound } from './errors.ts'
import type { Faults } from './faults.ts'
import type { StoredMessage } from './messages.ts'
import type { Person } from './people.ts'
import type { Attachment, Button, WireMessage } from './wire.ts'
import { writableChat, write, type Writing, type WritingDeps } from './writing.ts'

export interface Press {
  chatId?: number | undefined
  /** Absent: the newest message that has such a button. */
  mid?: string | undefined
  payload?: string | undefined
  text?: string | undefined
}

export interface Pressed {
  button: Button
  mid: string
  callbackId?: string
  /** The message that a button of another kind makes the person send. */
  sent?: StoredMessage
}

interface PressDeps extends WritingDeps {
  botId: number
  clock: Clock
  callbacks: Callbacks
  faults: Faults
}

/** @throws ControlConflict, ControlNotFound */
export function press(deps: PressDeps, userId: number, wanted: Press): Pressed {
  const person = deps.people.get(userId)
  const chat = pressableChat(deps, person, wanted.chatId)
  const { message, button } = buttonOf(deps, chat, wanted)
  deps.people.touch(person)
  const pressed = { button, mid: message.mid }
  const send = (writing: Writing): Pressed => ({
    ...pressed,
    sent: write(deps, userId, { chatId: chat.chatId, ...writing }),
  })
  switch (button.type) {
    case 'callback':
      return { ...pressed, callbackId: callback(deps, person, chat, message, button) }
    case 'message':
      return send({ text: button.text })
    case 'request_contact':
      return send({ attachments: [contactOf(deps, person)] })
    case 'request_geo_location':
      return send({ attachments: [locationOf(55.751_244, 37.618_423)] })
    case 'link':
    case 'clipboard':
    case 'open_app':
      // Happens in the person's own client; the bot is not told.
      return pressed
  }
}

/** Buttons can be pressed in a stopped dialog no more than words can be written. */
function pressableChat(deps: PressDeps, person: Person, chatId: number | undefined): Chat {
  const chat = chatId === undefined ? undefined : deps.chats.find(chatId)
  const reads = chat !== undefined && chat.type !== 'dialog' && chat.members.has(person.userId)
  return reads ? chat : writableChat(deps, person, chatId)
}

function buttonOf(
  { messages, botId }: PressDeps,
  chat: Chat,
  { mid, payload, text }: Press,
): { message: StoredMessage; button: Button } {
  const matches = (button: Button): boolean =>
    (payload === undefined || button.payload === payload) &&
    (text === undefined || button.text === text)
  const candidates = messages
    .inChat(chat.chatId)
    .filter((message) => message.senderId === botId && (mid === undefined || message.mid === mid))
  for (const message of candidates.toReversed()) {
    const button = buttonsOf(message).find(matches)
    if (button !== undefined) return { message, button }
  }
  throw new ControlNotFound(`A button ${JSON.stringify({ mid, payload, text })}`)
}

/** All buttons of a message, row by row. */
function buttonsOf({ content }: StoredMessage): Button[] {
  return (content.attachments ?? []).flatMap((attachment) =>
    attachment.type === 'inline_keyboard' ? attachment.payload.buttons.flat() : [],
  )
}

function contactOf({ people }: PressDeps, person: Person): Attachment {
  const user = people.view(person.userId)
  return contactCard(vcfOf(user?.name ?? person.firstName), user)
}

function callback(
  deps: PressDeps,
  person: Person,
  chat: Chat,
  message: StoredMessage,
  button: Button,
): string {
  const { callbackId, callbackMessage } = deps.faults.delivery
  const shared = createHash('sha512').update(message.mid).digest('base64url')
  const { id } = deps.callbacks.open(
    { mid: message.mid, chatId: chat.chatId, userId: person.userId },
    callbackId === 'per-keyboard' ? shared : undefined,
  )
  deps.updates.publish('message_callback', chat.chatId, {
    callback: {
      timestamp: deps.clock.now(),
      callback_id: id,
      payload: button.payload,
      user: deps.people.view(person.userId),
    },
    message: shown(deps.messages.view(message, chat), callbackMessage),
    user_locale: chat.type === 'dialog' ? person.locale : undefined,
  })
  return id
}

function shown(
  message: WireMessage,
  how: Faults['delivery']['callbackMessage'],
): WireMessage | null | undefined {
  switch (how) {
    case 'full':
      return message
    case 'absent':
      return undefined
    case 'null':
      return null
    case 'without-chat':
      return { ...message, recipient: { ...message.recipient, chat_id: undefined } }
  }
}
