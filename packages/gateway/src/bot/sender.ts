import type { FastifyBaseLogger } from 'fastify'
import type { Context } from '@maxhub/max-bot-api'
import type { CardMessages } from './card-messages.ts'
import { verdictOf } from './delivery.ts'
import { PlatformRefused } from './errors.ts'
import { unrecordedIn, type LastSent } from './last-sent.ts'
import type { BotMetrics } from './metrics.ts'
import type { Outgoing, OutgoingOf } from './outgoing.ts'
import type { Pace } from './pace.ts'
import type { Platform, Self, SentMessage } from './platform.ts'

export interface SenderDeps {
  platform: Pick<Platform<Context>, 'send' | 'edit' | 'answer' | 'acknowledge' | 'latest'>
  self: () => Self | undefined
  lastSent: Pick<LastSent, 'get'>
  pace: Pace
  cards: Pick<CardMessages, 'shows'>
  metrics: BotMetrics
  log: FastifyBaseLogger
}

export type Sender = ReturnType<typeof createSender>

/** Messages of a chat looked through for one that may have been sent. */
const LOOKED_THROUGH = 20

/** Makes messages, each call within the limits of the platform. */
function createSpeech({ platform, pace, cards, metrics }: SenderDeps) {
  async function send(
    { chatId, maxUserId, content, kind }: OutgoingOf<'send'> | OutgoingOf<'edit'>,
    perhapsAgain: boolean,
    signal: AbortSignal,
  ): Promise<SentMessage> {
    await pace.take(`send:${chatId ?? `user${maxUserId}`}`, signal)
    if (perhapsAgain) metrics.repeated(kind)
    const to = chatId === undefined ? { maxUserId: maxUserId ?? 0 } : { chatId }
    const sent = await platform.send(to, content)
    return { mid: sent.mid, chatId: sent.chatId ?? chatId }
  }

  async function edit(
    message: OutgoingOf<'edit'>,
    perhapsAgain: boolean,
    signal: AbortSignal,
  ): Promise<SentMessage | undefined> {
    const { mid, chatId, callbackId, content, onlyCardOf, otherwise } = message
    if (onlyCardOf !== undefined && (mid === undefined || !(await cards.shows(mid, onlyCardOf))))
      return undefined
    const ways = [
      callbackId === undefined ? undefined : () => platform.answer(callbackId, content),
      mid === undefined ? undefined : () => platform.edit(mid, content),
    ].filter((way) => way !== undefined)
    for (const way of ways) {
      await pace.take(`edit:${chatId ?? mid ?? callbackId}`, signal)
      if (await took(way)) return mid === undefined ? undefined : { mid, chatId }
    }
    return otherwise === 'drop' ? undefined : send(message, perhapsAgain, signal)
  }

  return { send, edit }
}

/** Finds messages of which we have no record. */
function createSearch({ platform, pace, self, lastSent }: SenderDeps) {
  /** Undefined: the platform does not show us this chat, such as a group where the bot is no administrator. */
  async function listedIn(chatId: number) {
    try {
      return await platform.latest(chatId, LOOKED_THROUGH)
    } catch (error) {
      if (error instanceof PlatformRefused && error.status !== 429) return undefined
      throw error
    }
  }

  return async (
    { chatId, content }: OutgoingOf<'send'> | OutgoingOf<'edit'>,
    signal: AbortSignal,
  ): Promise<SentMessage | 'unknown' | undefined> => {
    const selfId = self()?.id
    if (chatId === undefined || selfId === undefined) return 'unknown'
    await pace.take(`list:${chatId}`, signal)
    const listed = await listedIn(chatId)
    if (listed === undefined) return 'unknown'
    const mid = unrecordedIn(listed, { selfId, lastMid: await lastSent.get(chatId), content })
    return mid === undefined ? undefined : { mid, chatId }
  }
}

/** Says things to the platform, each call within its limits. */
export function createSender(deps: SenderDeps) {
  const { send, edit } = createSpeech(deps)
  const search = createSearch(deps)

  /** Nobody waits for it: whatever it is refused for, it is over. */
  async function acknowledge(message: OutgoingOf<'acknowledge'>, signal: AbortSignal) {
    const { platform, pace, log } = deps
    await pace.take(`answer:${message.chatId}`, signal)
    const taken = await took(() => platform.acknowledge(message.callbackId, message.text))
    if (!taken) log.debug({ correlationId: message.correlationId }, 'press is too old to answer')
  }

  return {
    /**
     * A try whose answer was lost, or whose process died, may have left a message in the chat: the chat is asked.
     * What only edits bears repetition and is not looked for.
     * @returns the message, undefined when there is none, `unknown` when the chat cannot be asked
     * @throws Error the platform is away, or its limit refuses the question
     */
    async find(
      message: Outgoing,
      signal: AbortSignal,
    ): Promise<SentMessage | 'unknown' | undefined> {
      if (message.kind === 'acknowledge') return undefined
      if (message.kind === 'edit' && message.otherwise === 'drop') return undefined
      return search(message, signal)
    },

    /**
     * @param perhapsAgain a new message may be the second of its kind, which is counted
     * @returns the message, or undefined when there is none to remember
     * @throws PlatformRefused, or another Error when the platform is away
     */
    async say(
      message: Outgoing,
      perhapsAgain: boolean,
      signal: AbortSignal,
    ): Promise<SentMessage | undefined> {
      switch (message.kind) {
        case 'send':
          return send(message, perhapsAgain, signal)
        case 'edit':
          return edit(message, perhapsAgain, signal)
        case 'acknowledge':
          await acknowledge(message, signal)
          return undefined
      }
    },
  }
}

/** False: this way is closed (a press that is too old, a message that is gone), perhaps another one is open. */
async function took(way: () => Promise<void>): Promise<boolean> {
  try {
    await way()
    return true
  } catch (error) {
    const { next } = verdictOf(error, 1)
    if (next === 'retry') throw error
    return false
  }
}
