import { createHash } from 'node:crypto'
import type { Static } from '@sinclair/typebox'
import type { Message, Update, User } from '@maxhub/max-bot-api/types'
import { createParser } from '@potok/core/validation'
import {
  KNOWN_UPDATES,
  UPDATES,
  type KnownUpdateType,
  type MaxMessage,
  type MaxUser,
} from './schemas.ts'

/** An update that the bot acts upon, in one shape whatever the platform left out. */
export interface Incoming {
  type: KnownUpdateType
  /** Stands for this update: a repetition has the same. */
  key: string
  /** Who did it. */
  sender: MaxUser | undefined
  chat: { id: number | undefined; group: boolean }
  /** Of a message; empty when it has none. */
  text: string
  /** The message written, or the one whose button was pressed. */
  mid: string | undefined
  callback: { id: string; payload: string } | undefined
  /** What the start button carried. */
  startPayload: string | undefined
  /** A message of whom this one answers. */
  repliedTo: number | undefined
  mentions: { from: number; length: number; maxUserId: number }[]
  /** Epoch milliseconds of the platform's clock; undefined when it said none. */
  at: number | undefined
  userLocale: string | undefined
  /** As the client library takes it. */
  update: Update
}

const parsers = {
  message_created: createParser(UPDATES.message_created),
  message_callback: createParser(UPDATES.message_callback),
  bot_started: createParser(UPDATES.bot_started),
  bot_stopped: createParser(UPDATES.bot_stopped),
  dialog_removed: createParser(UPDATES.dialog_removed),
  bot_added: createParser(UPDATES.bot_added),
  bot_removed: createParser(UPDATES.bot_removed),
  message_removed: createParser(UPDATES.message_removed),
}

type Parsed<T extends KnownUpdateType> = Static<(typeof UPDATES)[T]>

export function isKnownUpdate(type: string): type is KnownUpdateType {
  return KNOWN_UPDATES.some((known) => known === type)
}

/**
 * Reads an update of a known type.
 * @throws ValueRefused it lacks what its type cannot be without
 */
export function readUpdate(type: KnownUpdateType, raw: unknown): Incoming {
  switch (type) {
    case 'message_created':
      return messageCreated(parsers.message_created(raw))
    case 'message_callback':
      return messageCallback(parsers.message_callback(raw))
    case 'bot_started':
      return botStarted(parsers.bot_started(raw))
    case 'message_removed':
      return messageRemoved(parsers.message_removed(raw))
    case 'bot_stopped':
    case 'dialog_removed':
    case 'bot_added':
    case 'bot_removed':
      return ofChat(type, parsers[type](raw))
  }
}

/** What an update is queued under: its chat, or the person when it names no chat. */
export function laneOf({ chat, sender }: Incoming): string {
  if (chat.id !== undefined) return `chat:${chat.id}`
  return sender === undefined ? 'unknown' : `user:${sender.user_id}`
}

/** The platform gives updates no id: a digest of what tells one from another. */
function keyOf(...parts: readonly (string | number | null | undefined)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 24)
}

const nothing = {
  sender: undefined,
  text: '',
  mid: undefined,
  callback: undefined,
  startPayload: undefined,
  repliedTo: undefined,
  mentions: [],
  userLocale: undefined,
}

function messageCreated(raw: Parsed<'message_created'>): Incoming {
  const { message } = raw
  const text = message.body.text ?? ''
  const at = message.timestamp ?? raw.timestamp ?? undefined
  return {
    ...nothing,
    type: 'message_created',
    key: keyOf('message_created', raw.timestamp, message.body.mid),
    sender: message.sender ?? undefined,
    chat: chatOf(message),
    text,
    mid: message.body.mid,
    repliedTo: message.link?.type === 'reply' ? message.link.sender?.user_id : undefined,
    mentions: mentionsOf(message),
    at,
    userLocale: raw.user_locale ?? undefined,
    update: {
      update_type: 'message_created',
      timestamp: raw.timestamp ?? 0,
      message: libraryMessage(message),
    },
  }
}

function messageCallback(raw: Parsed<'message_callback'>): Incoming {
  const { callback, message } = raw
  const { user } = callback
  const payload = callback.payload ?? ''
  const at = callback.timestamp ?? raw.timestamp ?? undefined
  return {
    ...nothing,
    type: 'message_callback',
    // One keyboard may have one callback_id for all of its presses.
    key: keyOf(
      'message_callback',
      raw.timestamp,
      callback.callback_id,
      callback.timestamp,
      user.user_id,
      payload,
    ),
    sender: user,
    chat: message === null || message === undefined ? NO_CHAT : chatOf(message),
    mid: message?.body.mid,
    callback: { id: callback.callback_id, payload },
    at,
    userLocale: raw.user_locale ?? undefined,
    update: {
      update_type: 'message_callback',
      timestamp: raw.timestamp ?? 0,
      callback: {
        timestamp: callback.timestamp ?? 0,
        callback_id: callback.callback_id,
        payload,
        user: libraryUser(user),
      },
      message: message === null || message === undefined ? null : libraryMessage(message),
    },
  }
}

function botStarted(raw: Parsed<'bot_started'>): Incoming {
  return {
    ...nothing,
    type: 'bot_started',
    key: keyOf('bot_started', raw.timestamp, raw.chat_id, raw.user.user_id),
    sender: raw.user,
    chat: { id: raw.chat_id, group: false },
    startPayload: raw.payload ?? undefined,
    at: raw.timestamp ?? undefined,
    userLocale: raw.user_locale ?? undefined,
    update: {
      update_type: 'bot_started',
      timestamp: raw.timestamp ?? 0,
      chat_id: raw.chat_id,
      user: libraryUser(raw.user),
      payload: raw.payload ?? null,
    },
  }
}

function ofChat(
  type: 'bot_stopped' | 'dialog_removed' | 'bot_added' | 'bot_removed',
  raw: Parsed<'bot_stopped'>,
): Incoming {
  const group = type === 'bot_added' || type === 'bot_removed'
  const header = {
    timestamp: raw.timestamp ?? 0,
    chat_id: raw.chat_id,
    user: libraryUser(raw.user ?? { user_id: 0 }),
  }
  return {
    ...nothing,
    type,
    key: keyOf(type, raw.timestamp, raw.chat_id, raw.user?.user_id),
    sender: raw.user ?? undefined,
    chat: { id: raw.chat_id, group },
    at: raw.timestamp ?? undefined,
    userLocale: raw.user_locale ?? undefined,
    update:
      type === 'bot_added' || type === 'bot_removed'
        ? { update_type: type, ...header, is_channel: false }
        : { update_type: type, ...header },
  }
}

function messageRemoved(raw: Parsed<'message_removed'>): Incoming {
  return {
    ...nothing,
    type: 'message_removed',
    key: keyOf('message_removed', raw.timestamp, raw.message_id),
    chat: { id: raw.chat_id ?? undefined, group: false },
    mid: raw.message_id,
    at: raw.timestamp ?? undefined,
    update: {
      update_type: 'message_removed',
      timestamp: raw.timestamp ?? 0,
      message_id: raw.message_id,
      chat_id: raw.chat_id ?? 0,
      user_id: 0,
      post_id: null,
    },
  }
}

const NO_CHAT = { id: undefined, group: false }

function chatOf({ recipient }: MaxMessage): Incoming['chat'] {
  const id = recipient.chat_id ?? undefined
  const kind = recipient.chat_type
  // Ids of groups and channels are negative; the type says so where it is given.
  const group = kind === null || kind === undefined ? (id ?? 0) < 0 : kind !== 'dialog'
  return { id, group }
}

function mentionsOf({ body }: MaxMessage): Incoming['mentions'] {
  return (body.markup ?? []).flatMap(({ type, from, length, user_id: maxUserId }) =>
    type === 'user_mention' && typeof maxUserId === 'number'
      ? [{ from: from ?? 0, length: length ?? 0, maxUserId }]
      : [],
  )
}

function libraryUser(user: MaxUser): User {
  return {
    user_id: user.user_id,
    first_name: user.first_name ?? '',
    name: user.name ?? user.first_name ?? '',
    username: user.username ?? null,
    is_bot: user.is_bot ?? false,
    last_activity_time: 0,
    ...(typeof user.last_name === 'string' ? { last_name: user.last_name } : {}),
  }
}

/** With a text always: the library's `command` and `hears` break on a null one. */
function libraryMessage(message: MaxMessage): Message {
  const { chat_type: kind } = message.recipient
  return {
    sender: message.sender ? libraryUser(message.sender) : null,
    recipient: {
      chat_id: message.recipient.chat_id ?? null,
      chat_type: kind === 'chat' || kind === 'channel' ? kind : 'dialog',
      user_id: null,
      post_id: null,
    },
    timestamp: message.timestamp ?? 0,
    body: { mid: message.body.mid, seq: 0, text: message.body.text ?? '' },
  }
}
