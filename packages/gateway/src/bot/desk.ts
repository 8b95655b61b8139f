import type { Composer } from '@maxhub/max-bot-api'
import type { AnyTransaction } from '@potok/core/database'
import type { Accounts } from './accounts.ts'
import type { Cards } from './cards.ts'
import type { LinkClaims } from './link-claims.ts'
import type { Offers } from './offers.ts'
import type { People } from './people.ts'
import type { Tasks } from './tasks.ts'
import type { TurnContext } from './turn.ts'

/** What the commands work with. */
export interface Desk {
  tasks: Tasks
  accounts: Accounts
  people: People
  cards: Cards
  offers: Offers
  /**
   * Whose link code it is, once; undefined when it is nobody's or too old.
   * @param by who says it: guesses are slowed by this, then the error's `statusCode` is 429
   * @param keep stores in the same transaction that it was spent
   */
  redeemLinkCode: (
    code: string,
    by: string,
    keep: (trx: AnyTransaction, userId: string) => Promise<void>,
  ) => Promise<string | undefined>
  linkClaims: LinkClaims
  /** How long a presence lasts that a person set by hand, seconds. */
  presenceSeconds: number
}

/** Adds the handlers of some inputs to the conversation. */
export type Chapter = (bot: Composer<TurnContext>, desk: Desk) => void
