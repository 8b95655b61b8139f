import type { State } from '@potok/contracts/state'
import type { CardMessage, CardMessages } from './card-messages.ts'
import type { Cards } from './cards.ts'
import { button, content } from './content.ts'
import type { NewMessage } from './outbox.ts'
import type { Content } from './outgoing.ts'
import type { People } from './people.ts'
import type { Contact } from './service-call.ts'
import { textsIn } from './texts/index.ts'

export interface CardEditsDeps {
  people: Pick<People, 'known'>
  cards: Cards
  cardMessages: CardMessages
  /** Where the clocks of groups go. */
  groupTimeZone: string
  now: () => number
}

export interface Present {
  taskId: string
  /** Undefined: it was deleted, which is its newest version. */
  state: State | undefined
  version: number
}

export type CardEdits = ReturnType<typeof createCardEdits>

/** Brings the messages that show a task up to date. */
export function createCardEdits(deps: CardEditsDeps) {
  const { people, cards, cardMessages, groupTimeZone, now } = deps

  async function draw(
    { maxUserId }: CardMessage,
    state: State | undefined,
    contact: Contact,
  ): Promise<Content> {
    const person = maxUserId === null ? undefined : await people.known(maxUserId)
    const texts = textsIn(person?.locale ?? 'ru')
    if (state === undefined) {
      return content([texts.card.gone], [[button(texts.buttons.menu, 'menu')]])
    }
    const viewer = person ?? { userId: '', roles: [], timeZone: groupTimeZone }
    const viewing = { viewer, group: maxUserId === null, texts, now: now() }
    return cards.render(state, viewing, contact)
  }

  async function edit(
    card: CardMessage,
    { taskId, state, version }: Present,
    contact: Contact,
  ): Promise<NewMessage> {
    const { chatId, mid, maxUserId } = card
    return {
      dedupeKey: `card:${mid}:${version}`,
      message: {
        kind: 'edit',
        chatId,
        mid,
        content: await draw(card, state, contact),
        card: { taskId, version, maxUserId },
        otherwise: 'drop',
        onlyCardOf: taskId,
        correlationId: contact.correlationId,
      },
    }
  }

  return {
    /** Edits of the messages that show an older version. */
    async of(present: Present, contact: Contact): Promise<NewMessage[]> {
      const shown = await cardMessages.of(present.taskId)
      const outdated = shown.filter(({ version }) => version < present.version)
      return Promise.all(outdated.map((card) => edit(card, present, contact)))
    },
  }
}
