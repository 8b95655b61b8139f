import { PRESENCE_STATUSES, type PresenceStatus } from '@potok/contracts/task'
import { button, content } from '../content.ts'
import type { Chapter, Desk } from '../desk.ts'
import type { Turn } from '../turn.ts'
import { toMenu } from './menu-button.ts'

const WORDS: readonly (readonly [RegExp, PresenceStatus])[] = [
  [/^(online|на месте|здесь|онлайн|available)$/u, 'online'],
  [/^(busy|занят|занята)$/u, 'busy'],
  [/^(offline|не на месте|офлайн|оффлайн|away)$/u, 'offline'],
]

const isPresence = (name: string): name is PresenceStatus =>
  PRESENCE_STATUSES.some((status) => status === name)

function presenceButtons({ texts }: Turn) {
  const { labels } = texts.presence
  return [
    ...PRESENCE_STATUSES.map((status) => [button(labels[status], `presence:${status}`)]),
    ...toMenu(texts),
  ]
}

async function ask(turn: Turn, desk: Desk): Promise<void> {
  const { texts, person, errand } = turn
  const state = await desk.tasks.presence(person.userId, errand)
  const status = state?.status ?? 'offline'
  const name = isPresence(status) ? texts.presences[status] : status
  turn.show(content([texts.presence.ask(name)], presenceButtons(turn)))
}

async function set(turn: Turn, desk: Desk, status: PresenceStatus): Promise<void> {
  const { texts, errand, idempotencyKey } = turn
  const change = { status, ttlSeconds: desk.presenceSeconds }
  await desk.tasks.setPresence(change, idempotencyKey, errand)
  turn.show(content([texts.presence.set(texts.presences[status])], presenceButtons(turn)))
}

/** Whether somebody is there. */
export const presence: Chapter = (bot, desk) => {
  bot.command(/^(?:status|статус)(?:\s+([\s\S]+))?$/u, async ({ turn, match }) => {
    const word = match?.[1]?.trim().toLowerCase()
    if (word === undefined) return ask(turn, desk)
    const status = WORDS.find(([pattern]) => pattern.test(word))?.[1]
    if (status !== undefined) return set(turn, desk, status)
    return turn.say(content([turn.texts.presence.unknown], presenceButtons(turn)))
  })
  bot.action('presence', ({ turn }) => ask(turn, desk))
  bot.action(/^presence:(\w+)$/u, async ({ turn, match }, next) => {
    const status = match?.[1] ?? ''
    return isPresence(status) ? set(turn, desk, status) : next()
  })
}
