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
  let { text, mentions } = incoming
  if (own !== undefined) {
    const end = own.from + own.length
    text = `${text.slice(0, own.from)}${text.slice(end)}`
    mentions = mentions
      .filter((mention) => mention !== own)
      .map((mention) =>
        mention.from >= end ? { ...mention, from: mention.from - own.length } : mention,
      )
  }
  const named = nameless(text, self)
  const lead = text.length - named.text.length
  const before = named.text.length - named.text.trimStart().length
  mentions = mentions.map((mention) => ({ ...mention, from: mention.from - lead - before }))
  const stripped = named.text.trim()
  const isForBot =
    !incoming.chat.group ||
    own !== undefined ||
    named.found ||
    (self !== undefined && incoming.repliedTo === self.id) ||
    stripped.startsWith('/')
  const { update } = incoming
  return {
    isForBot: isForBot && !isForAnother(stripped, self),
    incoming: {
      ...incoming,
      text: commandOf(stripped),
      mentions,
      update:
        update.update_type === 'message_created'
          ? {
              ...update,
              message: {
                ...update.message,
                body: { ...update.message.body, text: commandOf(stripped) },
              },
            }
          : update,
    },
  }
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
