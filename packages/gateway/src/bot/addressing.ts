import type { Self } from './platform.ts'
import type { Incoming } from './update.ts'

/** A message as it is meant for the bot: without the mention of the bot, and whether it is meant for it at all. */
export interface Addressed {
  incoming: Incoming
  /** In a group: a command, a mention, or an answer to the bot. In a dialog always. */
  isForBot: boolean
}

/** Takes the mention of the bot out of a text. `/new@bot text` is a command to this bot. */
export function addressOf(incoming: Incoming, self: Self | undefined): Addressed {
  if (incoming.type !== 'message_created') return { incoming, isForBot: true }
  const own = incoming.mentions.find(({ maxUserId }) => maxUserId === self?.id)
  const others = incoming.mentions.filter((mention) => mention !== own)
  const unmarked = own === undefined ? incoming : without(incoming.text, others, own)
  const named = nameless(unmarked.text, self)
  // What was taken away in front moves everything behind it.
  const rest = named.text.trimStart()
  const lead = unmarked.text.length - rest.length
  const mentions = own === undefined ? others : unmarked.mentions
  const text = commandOf(rest.trimEnd())
  const isMeant =
    !incoming.chat.group ||
    own !== undefined ||
    named.found ||
    (self !== undefined && incoming.repliedTo === self.id) ||
    rest.startsWith('/')
  return {
    isForBot: isMeant && !isForAnother(rest, self),
    incoming: {
      ...incoming,
      text,
      mentions: mentions.map((mention) => moved(mention, -lead)),
      update: withText(incoming.update, text),
    },
  }
}

type Mention = Incoming['mentions'][number]

const moved = ({ from, length, maxUserId }: Mention, by: number): Mention => ({
  from: from + by,
  length,
  maxUserId,
})

function without(text: string, others: readonly Mention[], { from, length }: Mention) {
  return {
    text: `${text.slice(0, from)}${text.slice(from + length)}`,
    mentions: others.map((mention) => moved(mention, mention.from > from ? -length : 0)),
  }
}

function withText(update: Incoming['update'], text: string): Incoming['update'] {
  if (update.update_type !== 'message_created') return update
  const { message } = update
  return { ...update, message: { ...message, body: { ...message.body, text } } }
}

/** A mention that was typed and not marked: `@bot text`. */
function nameless(text: string, self: Self | undefined): { text: string; found: boolean } {
  const name = self?.username
  if (name === undefined) return { text, found: false }
  const start = `@${name}`.toLowerCase()
  const trimmed = text.trimStart()
  const after = trimmed.slice(start.length)
  const found = trimmed.toLowerCase().startsWith(start) && /^(?:[\s,:]|$)/u.test(after)
  return found ? { text: after.replace(/^[\s,:]+/u, ''), found } : { text, found }
}

const COMMAND_TO = /^\/([\p{L}\d_]+)@([\w.-]+)/u

function isForAnother(text: string, self: Self | undefined): boolean {
  const name = COMMAND_TO.exec(text)?.[2]
  if (name === undefined || self?.username === undefined) return false
  return name.toLowerCase() !== self.username.toLowerCase()
}

/** The command without the name of the bot, in lower case; the rest as it is. */
function commandOf(text: string): string {
  return text
    .replace(COMMAND_TO, '/$1')
    .replace(/^\/[\p{L}\d_]+/u, (command) => command.toLowerCase())
}
