import type { Composer } from '@maxhub/max-bot-api'
import { card } from './commands/card.ts'
import { draft } from './commands/draft.ts'
import { linking } from './commands/link.ts'
import { list } from './commands/list.ts'
import { menu } from './commands/menu.ts'
import { offer } from './commands/offer.ts'
import { presence } from './commands/presence.ts'
import { settings } from './commands/settings.ts'
import { team } from './commands/team.ts'
import type { Chapter, Desk } from './desk.ts'
import type { Dialog } from './dialogs.ts'
import type { TurnContext } from './turn.ts'
import type { Incoming } from './update.ts'

/** In this order: commands and buttons of all, then what is typed into an open conversation, then everything else. */
const CHAPTERS: readonly Chapter[] = [
  menu,
  list,
  card,
  presence,
  team,
  settings,
  linking,
  draft,
  offer,
]

/** Beginnings of the payloads that go on with a conversation. */
const OWN_BUTTONS: Record<Dialog['kind'], readonly string[]> = {
  draft: ['draft:'],
  reason: ['unreasoned:', 'cancel'],
  link: ['cancel'],
  'quiet-hours': ['set:'],
  'time-zone': ['set:'],
}

/** Does this go on with the open conversation? What is typed does, unless it is a command. */
function goesOn(dialog: Dialog, { text, callback }: Incoming): boolean {
  if (callback === undefined) return !text.startsWith('/') || /^\/(cancel|отмена)$/u.test(text)
  return OWN_BUTTONS[dialog.kind].some((start) => callback.payload.startsWith(start))
}

/** Everything that the bot understands. */
export function converse(bot: Composer<TurnContext>, desk: Desk): void {
  // Whoever turns to something else has left the conversation: what they type next is not meant for it.
  bot.use(({ turn }, next) => {
    const dialog = turn.dialog()
    if (dialog !== undefined && !goesOn(dialog, turn.incoming)) turn.expect(undefined)
    return next()
  })
  for (const chapter of CHAPTERS) chapter(bot, desk)
}
