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
import type { TurnContext } from './turn.ts'

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

/** Everything that the bot understands. */
export function converse(bot: Composer<TurnContext>, desk: Desk): void {
  for (const chapter of CHAPTERS) chapter(bot, desk)
}
