import { button, content, escaped } from '../content.ts'
import type { Chapter } from '../desk.ts'
import { createFrom } from './draft.ts'
import { menuButtons, showMenu } from './menu.ts'

const OFFER_SHOWN = 100

/** Everything that is no command: the bot offers to make a task of it. Stands last. */
export const offer: Chapter = (bot, desk) => {
  bot.action(/^offer:([\w-]+)$/u, async ({ turn, match }) => {
    const { texts } = turn
    const found = await desk.offers.get(match?.[1] ?? '')
    if (found === undefined || found.maxUserId !== turn.person.maxUserId) {
      return turn.show(content([texts.offerGone], menuButtons(texts)))
    }
    turn.dropOffer(found.id)
    return createFrom(turn, desk, found.text)
  })
  bot.action(/^unoffer:([\w-]+)$/u, ({ turn, match }) => {
    turn.dropOffer(match?.[1] ?? '')
    turn.show(content([turn.texts.offerDropped], menuButtons(turn.texts)))
  })
  // A button of another release, or of a message that somebody made up.
  bot.on('message_callback', ({ turn }) => showMenu(turn, turn.texts.refused.stale))
  bot.on('message_created', ({ turn }) => {
    const { texts, incoming } = turn
    const text = incoming.text.trim()
    if (text === '') return turn.say(content([texts.noText], menuButtons(texts)))
    if (text.startsWith('/')) {
      const command = escaped(text.split(/\s/u, 1)[0] ?? '', 40)
      turn.say(content([texts.unknownCommand(command), '', texts.help], menuButtons(texts)))
      return
    }
    const id = turn.offer(text)
    turn.say(
      content(
        [texts.offer(escaped(text, OFFER_SHOWN))],
        [
          [button(texts.buttons.makeTask, `offer:${id}`)],
          [button(texts.buttons.notNow, `unoffer:${id}`), button(texts.buttons.menu, 'menu')],
        ],
      ),
    )
  })
}
