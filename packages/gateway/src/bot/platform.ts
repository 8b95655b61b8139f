import { Bot, Keyboard, MaxError, type Context } from '@maxhub/max-bot-api'
import type { AttachmentRequest, BotInfo } from '@maxhub/max-bot-api/types'
import { Type, type Static } from '@sinclair/typebox'
import { createParser } from '@potok/core/validation'
import { PlatformRefused, PlatformUnavailable } from './errors.ts'
import { ListedMessage } from './last-sent.ts'
import type { Content } from './outgoing.ts'
import { AnyUpdate } from './schemas.ts'

export interface PlatformOptions {
  token: string
  /** Origin of the Bot API. */
  baseUrl: string
  /** Of one call, its answer included. */
  timeoutMs: number
}

const parseSent = createParser(
  Type.Object({
    recipient: Type.Object({
      chat_id: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
    }),
    body: Type.Object({ mid: Type.String({ minLength: 1 }) }),
  }),
)
const parseList = createParser(Type.Array(ListedMessage))
const parseResult = createParser(
  Type.Object({ success: Type.Boolean(), message: Type.Optional(Type.String()) }),
)
const parseSubscriptions = createParser(
  Type.Array(
    Type.Object({
      url: Type.String(),
      updateTypes: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
    }),
  ),
)
const parseInfo = createParser(
  Type.Object({
    user_id: Type.Integer(),
    first_name: Type.String(),
    username: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  }),
)
const parsePage = createParser(
  Type.Object({
    updates: Type.Array(AnyUpdate),
    marker: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
  }),
)

/** The bot as the platform knows it. */
export const Self = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  username: Type.Optional(Type.String()),
})
export type Self = Static<typeof Self>

/** The same as the library wants it. */
export function libraryInfo({ id, name, username }: Self): BotInfo {
  return {
    user_id: id,
    first_name: name,
    name,
    username: username ?? null,
    is_bot: true,
    last_activity_time: 0,
  }
}

/** A chat, or the dialog with a person. */
export type Recipient = { chatId: number } | { maxUserId: number }

export interface SentMessage {
  mid: string
  /** Of the dialog, when it was sent to a person. */
  chatId: number | undefined
}

export type Platform<Ctx extends Context> = ReturnType<typeof createPlatform<Ctx>>

/** How long the platform may hold a poll; our deadline is beyond it. */
const POLL_SECONDS = 25

/**
 * The MAX Bot API through its client library, which has no timeouts, hides `Retry-After`, and gives `success: false`
 * back as if it were one. Every call ends in its value, `PlatformRefused` or `PlatformUnavailable`.
 */
export function createPlatform<Ctx extends Context>(options: PlatformOptions) {
  const { token, baseUrl, timeoutMs } = options
  const bot = new Bot<Ctx>(token, { clientOptions: { baseUrl, fetch: politeFetch(timeoutMs) } })
  const { api } = bot

  async function call<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw failureOf(error)
    }
  }

  async function succeed(work: () => Promise<unknown>): Promise<void> {
    const { success, message = 'success: false' } = await call(async () =>
      parseResult(await work()),
    )
    if (!success) throw new PlatformRefused({ status: 200, reason: 'not.successful', message })
  }

  return {
    bot,
    me: (): Promise<Self> =>
      call(async () => {
        const { user_id: id, first_name: name, username } = parseInfo(await api.getMyInfo())
        return { id, name, ...(username ? { username } : {}) }
      }),
    send: (to: Recipient, content: Content): Promise<SentMessage> =>
      call(async () => sentOf(await sendTo(api, to, content))),
    /** Newest first. */
    latest: (chatId: number, count: number): Promise<ListedMessage[]> =>
      call(async () => parseList((await api.getMessages(chatId, { count })).messages)),
    edit: (mid: string, content: Content): Promise<void> =>
      succeed(() => api.editMessage(mid, { text: content.html, ...bodyOf(content) })),
    /** Puts another content on the message whose button was pressed. */
    answer: (callbackId: string, content: Content): Promise<void> =>
      succeed(() =>
        api.answerOnCallback(callbackId, { message: { text: content.html, ...bodyOf(content) } }),
      ),
    /** Says that a press was taken. The type of the library lacks `notification`; it passes it on. */
    acknowledge: (callbackId: string, notification: string): Promise<void> => {
      const extra: { message?: null; notification: string } = { notification }
      return succeed(() => api.answerOnCallback(callbackId, extra))
    },
    subscriptions: () => call(async () => parseSubscriptions(await api.getSubscriptions())),
    subscribe: (url: string, secret: string, types: readonly string[]): Promise<void> =>
      succeed(() => api.subscribe(url, secret, updateTypes(types))),
    unsubscribe: (url: string): Promise<void> => succeed(() => api.unsubscribe(url)),
    /** Long poll. @param marker undefined: from where the platform thinks we are */
    updates: (types: readonly string[], marker: number | undefined, signal: AbortSignal) =>
      call(async () =>
        parsePage(
          await api.getUpdates(updateTypes(types), {
            limit: 100,
            timeout: POLL_SECONDS,
            signal,
            ...(marker === undefined ? {} : { marker }),
          }),
        ),
      ),
  }
}

function sendTo(api: Bot['api'], to: Recipient, content: Content): Promise<unknown> {
  return 'chatId' in to
    ? api.sendMessageToChat(to.chatId, content.html, bodyOf(content))
    : api.sendMessageToUser(to.maxUserId, content.html, bodyOf(content))
}

function sentOf(message: unknown): SentMessage {
  const { recipient, body } = parseSent(message)
  return { mid: body.mid, chatId: recipient.chat_id ?? undefined }
}

type LibraryUpdateTypes = NonNullable<
  Parameters<Bot['api']['getUpdates']>[0] extends infer T ? Extract<T, unknown[]> : never
>

/** The library's list of types is closed, and behind the platform's. */
function updateTypes(types: readonly string[]): LibraryUpdateTypes {
  const known: LibraryUpdateTypes = [
    'message_created',
    'message_callback',
    'bot_started',
    'bot_stopped',
    'dialog_removed',
    'bot_added',
    'bot_removed',
    'message_removed',
  ]
  return known.filter((type) => types.includes(type))
}

/** An empty list of attachments takes a keyboard away; leaving it out would keep the old one. */
function bodyOf({ buttons = [] }: Content): { format: 'html'; attachments: AttachmentRequest[] } {
  const rows = buttons.map((row) =>
    row.map(({ text, payload }) => Keyboard.button.callback(text, payload)),
  )
  return { format: 'html', attachments: rows.length === 0 ? [] : [Keyboard.inlineKeyboard(rows)] }
}

/** The library's `fetch`: with a deadline, and with `Retry-After` kept where the library would drop it. */
function politeFetch(timeoutMs: number): typeof globalThis.fetch {
  return async (input, init = {}) => {
    const isPoll = typeof input === 'string' && new URL(input).pathname.endsWith('/updates')
    const deadline = AbortSignal.timeout(isPoll ? POLL_SECONDS * 1000 + timeoutMs : timeoutMs)
    const signal = init.signal ? AbortSignal.any([deadline, init.signal]) : deadline
    const response = await fetch(input, { ...init, signal })
    if (response.status !== 429) return response
    await response.body?.cancel()
    const wait = secondsAsMs(response.headers.get('retry-after'))
    throw new PlatformRefused({
      status: 429,
      reason: 'too.many.requests',
      message: 'too many requests',
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
    })
  }
}

/** Whether MAX sends `Retry-After` is not documented; a date in it is not expected. */
function secondsAsMs(header: string | null): number | undefined {
  return header !== null && /^\d{1,6}$/u.test(header) ? Number(header) * 1000 : undefined
}

function failureOf(error: unknown): Error {
  if (error instanceof PlatformRefused) return error
  if (error instanceof MaxError && error.status < 500 && error.code !== 'unexpected.response') {
    const { status, code: reason, description: message } = error
    return new PlatformRefused({ status, reason, message })
  }
  return new PlatformUnavailable(error)
}
