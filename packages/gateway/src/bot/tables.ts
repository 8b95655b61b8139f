import type { JsonColumn, NumberColumn } from '@potok/core/database'

/** A person on the MAX platform, and what we last knew of them as a user of ours. */
export interface BotPeopleTable {
  max_user_id: NumberColumn
  /** Id of the user in the admin service. */
  user_id: string
  /** The dialog with the bot; null until they wrote in it. */
  chat_id: NumberColumn | null
  /** `ru` or `en`, as the platform last said. */
  locale: string
  /** The user and their settings as the admin service last gave them, for the time that it is away. */
  profile: JsonColumn
  fetched_at: NumberColumn
  /** Since when MAX refuses messages to them; null: it does not. */
  unreachable_at: NumberColumn | null
}

/** Where a conversation is that takes more than one message. One a person and chat. */
export interface BotDialogsTable {
  chat: string
  max_user_id: NumberColumn
  state: JsonColumn
  updated_at: NumberColumn
}

/** A text that the bot offered to make a task of. */
export interface BotOffersTable {
  id: string
  max_user_id: NumberColumn
  text: string
  created_at: NumberColumn
}

/** The message that shows the card of a task. One a chat and task: the newest. */
export interface BotCardsTable {
  chat_id: NumberColumn
  task_id: string
  mid: string
  /** Version of the task that it shows. */
  version: number
  /** Whose buttons it has: MAX user id; null in groups. */
  max_user_id: NumberColumn | null
  updated_at: NumberColumn
}

/** The newest message of the bot in a chat that we have a record of. */
export interface BotLastSentTable {
  chat_id: NumberColumn
  mid: string
  sent_at: NumberColumn
}

/** An event of a task that the bot was given, kept so that a repetition is known. */
export interface BotTaskEventsTable {
  event_id: string
  task_id: string
  version: number
  event: JsonColumn
  received_at: NumberColumn
  /** When those concerned were told of it; null: not yet. */
  told_at: NumberColumn | null
}

/** Single facts: what the platform says of the bot, the polling marker and its lease. */
export interface BotFactsTable {
  name: string
  value: JsonColumn
  /** Of a lease. */
  holder: string | null
  expires_at: NumberColumn | null
}

export interface BotTables {
  bot_people: BotPeopleTable
  bot_dialogs: BotDialogsTable
  bot_offers: BotOffersTable
  bot_cards: BotCardsTable
  bot_last_sent: BotLastSentTable
  bot_task_events: BotTaskEventsTable
  bot_facts: BotFactsTable
}
