import { button, content, escaped } from '../content.ts'
import type { Chapter, Desk } from '../desk.ts'
import type { Turn } from '../turn.ts'
import { toMenu } from './menu-button.ts'

const CODE = /^\d{6}$/u
/** No id of a user looks like this. */
const TOO_MANY = '(too many)'

/**
 * Links the MAX account of who writes to the account that made the code.
 * @param otherwise what to do with a payload that is no code
 */
export async function link(
  turn: Turn,
  desk: Desk,
  code: string,
  otherwise: () => void,
): Promise<void> {
  if (!CODE.test(code)) return otherwise()
  const { texts } = turn
  turn.expect(undefined)
  const userId = await redeem(turn, desk, code)
  if (userId === TOO_MANY) return turn.say(content([texts.link.tooMany], toMenu(texts)))
  const name = userId === undefined ? undefined : await moveTo(turn, desk, userId)
  const text = name === undefined ? texts.link.wrong : texts.link.done(escaped(name))
  turn.say(content([text], toMenu(texts)))
}

async function redeem(turn: Turn, desk: Desk, code: string): Promise<string | undefined> {
  const { maxUserId } = turn.person
  try {
    return (
      (await desk.linkClaims.get(maxUserId, code)) ??
      (await desk.redeemLinkCode(code, `max:${maxUserId}`, (trx, userId) =>
        desk.linkClaims.keep(trx, { maxUserId, code, userId }),
      ))
    )
  } catch (error) {
    if (error instanceof Error && 'statusCode' in error && error.statusCode === 429) {
      return TOO_MANY
    }
    throw error
  }
}

/** The account that they had so far loses the link: MAX accounts and accounts of ours go together one to one. */
async function moveTo(turn: Turn, desk: Desk, userId: string): Promise<string | undefined> {
  const { person, contact } = turn
  const { accounts, people } = desk
  const { maxUserId } = person
  if (person.userId === userId) return person.displayName
  await accounts.change(person.userId, { maxUserId: null }, contact)
  const user = await accounts.change(userId, { maxUserId }, contact)
  if (user === undefined) await accounts.change(person.userId, { maxUserId }, contact)
  people.forget(maxUserId)
  accounts.forgetLists()
  return user?.displayName
}

/** Linking to an account that exists already. */
export const linking: Chapter = (bot, desk) => {
  const ask = (turn: Turn): void => {
    turn.expect({ kind: 'link' })
    turn.show(content([turn.texts.link.ask], [[button(turn.texts.buttons.cancel, 'cancel')]]))
  }
  bot.command(/^(?:link|связать)(?:\s+(\S+))?$/u, async ({ turn, match }) => {
    const code = match?.[1]
    if (code === undefined) return ask(turn)
    return link(turn, desk, code, () =>
      turn.say(content([turn.texts.link.wrong], toMenu(turn.texts))),
    )
  })
  bot.action('link', ({ turn }) => ask(turn))
  bot.on('message_created', async ({ turn }, next) => {
    if (turn.dialog()?.kind !== 'link' || turn.incoming.text.startsWith('/')) return next()
    return link(turn, desk, turn.incoming.text.trim(), () =>
      turn.say(content([turn.texts.link.wrong], [[button(turn.texts.buttons.cancel, 'cancel')]])),
    )
  })
}
