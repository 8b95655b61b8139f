import { vi } from 'vitest'
import type { Simulator } from '@potok/max-simulator/app'

export const ANNA = 501_001_001
export const BORIS = 501_001_002

/** Somebody in the simulated MAX. */
export function createPerson(platform: Simulator['platform'], userId: number) {
  const dialog = (): number => platform.chats.dialog(userId).chatId
  const ofBot = (chatId: number) =>
    platform.messages
      .inChat(chatId)
      .filter(({ senderId }) => senderId === platform.bot.userId)
      .map((message) => ({
        mid: message.mid,
        text: message.content.text ?? '',
        source: message.content.source?.text ?? message.content.text ?? '',
        /** Epoch milliseconds of the platform. */
        at: message.timestamp,
        edited: message.editedAt !== undefined,
        buttons: (message.content.attachments ?? []).flatMap((attachment) =>
          attachment.type === 'inline_keyboard'
            ? attachment.payload.buttons.flat().map((button) => ({
                text: button.text,
                payload: 'payload' in button ? String(button.payload) : '',
              }))
            : [],
        ),
      }))
  const person = {
    userId,
    dialog,
    start: (payload?: string): void => {
      platform.dialogs.start(userId, payload)
    },
    write: (text: string, chatId?: number) => platform.writing.write(userId, { text, chatId }),
    press: (text: string, wanted: { mid?: string; chatId?: number } = {}) =>
      platform.press(userId, { text, ...wanted }),
    pressPayload: (payload: string, wanted: { mid?: string; chatId?: number } = {}) =>
      platform.press(userId, { payload, ...wanted }),
    /** What the bot said in the chat, oldest first. */
    heard: (chatId = dialog()) => ofBot(chatId),
    /** Waits for a message of the bot that fits, the newest first. */
    async hears(pattern: RegExp | string, chatId = dialog(), after = 0) {
      return vi.waitFor(
        () => {
          const messages = ofBot(chatId).slice(after)
          const found = messages.findLast(({ text }) =>
            typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text),
          )
          if (found === undefined) {
            throw new Error(`Nobody said ${pattern}. Said: ${JSON.stringify(messages, null, 1)}`)
          }
          return found
        },
        { timeout: 20_000, interval: 10 },
      )
    },
  }
  return person
}

export type Person = ReturnType<typeof createPerson>
