import { button, content, escaped } from '../content.ts'
import type { Chapter } from '../desk.ts'
import type { Button } from '../outgoing.ts'
import type { Texts } from '../texts/index.ts'
import type { Turn } from '../turn.ts'
import { link } from './link.ts'
import { toMenu } from './menu-button.ts'

export function menuButtons({ buttons }: Texts): Button[][] {
  return [
    [button(buttons.newTask, 'new')],
    [button(buttons.mine, 'tasks:mine:0'), button(buttons.all, 'tasks:all:0')],
    [button(buttons.team, 'team'), button(buttons.stats, 'stats')],
    [button(buttons.presence, 'presence'), button(buttons.settings, 'settings')],
    [button(buttons.help, 'help')],
  ]
}

export function showMenu(turn: Turn, text = turn.texts.menu): void {
  turn.show(content([text], menuButtons(turn.texts)))
}

function greet(turn: Turn): void {
  turn.expect(undefined)
  turn.say(
    content([turn.texts.greeting(escaped(turn.person.displayName, 64))], menuButtons(turn.texts)),
  )
}

/** Start, menu, help and the way out of everything. */
export const menu: Chapter = (bot, desk) => {
  bot.on('bot_started', async ({ turn }) => {
    const code = turn.incoming.startPayload
    if (code !== undefined && code !== '') return link(turn, desk, code, () => greet(turn))
    return greet(turn)
  })
  bot.command(/^start(?:\s+(\S+))?$/u, async ({ turn, match }) => {
    const code = match?.[1]
    if (code !== undefined) return link(turn, desk, code, () => greet(turn))
    return greet(turn)
  })
  bot.command(['menu', 'меню'], ({ turn }) => showMenu(turn))
  bot.action('menu', ({ turn }) => showMenu(turn))
  bot.command(['help', 'помощь'], ({ turn }) => {
    turn.say(content([turn.texts.help], menuButtons(turn.texts)))
  })
  bot.action('help', ({ turn }) => turn.show(content([turn.texts.help], toMenu(turn.texts))))
  bot.command(['cancel', 'отмена'], ({ turn }) => {
    const { texts } = turn
    const text = turn.dialog() === undefined ? texts.nothingToCancel : texts.cancelled
    turn.expect(undefined)
    turn.say(content([text], menuButtons(texts)))
  })
  bot.action('cancel', ({ turn }) => {
    turn.expect(undefined)
    turn.show(content([turn.texts.cancelled], menuButtons(turn.texts)))
  })
}
