/** What the page knows; the stream fills it. */
export const state = {
  connection: undefined,
  /** userId → person */
  people: new Map(),
  /** chatId → chat */
  chats: new Map(),
  /** chatId → Map of mid → message */
  messages: new Map(),
  /** userId → the chat that this person looks at */
  open: new Map(),
  /** The person whose column a narrow screen shows. */
  current: undefined,
  /** People with something unread behind their tab. */
  unread: new Set(),
}

/** Messages that a chat keeps on the page. */
const MAX_MESSAGES = 300

export function fill({ connection, people, chats, messages }) {
  state.connection = connection
  state.people = new Map(people.map((person) => [person.userId, person]))
  state.chats = new Map(chats.map((chat) => [chat.chatId, chat]))
  state.messages = new Map()
  for (const message of messages) putMessage(message)
  for (const [userId, chatId] of state.open) {
    if (!state.people.has(userId) || !state.chats.has(chatId)) state.open.delete(userId)
  }
  if (!state.people.has(state.current)) state.current = people[0]?.userId
}

export function putMessage(message) {
  const list = state.messages.get(message.chatId) ?? new Map()
  list.set(message.mid, message)
  if (list.size > MAX_MESSAGES) list.delete(list.keys().next().value)
  state.messages.set(message.chatId, list)
}

/** Oldest first. */
export function messagesOf(chatId) {
  return [...(state.messages.get(chatId)?.values() ?? [])]
}

/** The chats that a person sees: the dialog first, then the groups. */
export function chatsOf(person) {
  const groups = [...state.chats.values()].filter(
    (chat) => chat.type !== 'dialog' && chat.members.some(({ userId }) => userId === person.userId),
  )
  return [dialogOf(person), ...groups]
}

export function openChat(person) {
  const chatId = state.open.get(person.userId)
  return chatsOf(person).find((chat) => chat.chatId === chatId) ?? dialogOf(person)
}

/** Made up when nothing was ever said in it: then the server does not know it yet either. */
function dialogOf(person) {
  return (
    state.chats.get(person.chatId) ?? {
      chatId: person.chatId,
      type: 'dialog',
      title: state.connection?.bot.name ?? 'Бот',
      userId: person.userId,
      status: person.dialog,
    }
  )
}
