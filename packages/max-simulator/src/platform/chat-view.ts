/** Chats and members as the Bot API shows them. */
import type { Chat, Group, Member } from './chats.ts'
import type { Messages } from './messages.ts'
import type { People } from './people.ts'
import type { WireUser } from './wire.ts'

interface Deps {
  botId: number
  people: People
  messages: Messages
}

export function chatView(chat: Chat, deps: Deps): Record<string, unknown> {
  const pinned = chat.pinnedMid === undefined ? undefined : deps.messages.find(chat.pinnedMid)
  const common = {
    chat_id: chat.chatId,
    type: chat.type,
    last_event_time: chat.lastEventTime,
    pinned_message: pinned === undefined ? undefined : deps.messages.view(pinned, chat),
    is_public: false,
  }
  if (chat.type !== 'dialog') return { ...common, ...groupFields(chat, deps) }
  return {
    ...common,
    status: chat.status === 'suspended' ? 'suspended' : 'active',
    participants_count: 2,
    dialog_with_user: deps.people.view(chat.userId),
  }
}

function groupFields(group: Group, { botId, messages }: Deps): Record<string, unknown> {
  const bot = group.members.get(botId)
  return {
    status: bot === undefined ? 'removed' : 'active',
    title: group.title,
    description: group.description,
    icon: group.iconUrl === undefined ? undefined : { url: group.iconUrl },
    participants_count: group.members.size,
    messages_count: messages.inChat(group.chatId).length,
    // The owner is shown to administrators only.
    owner_id: bot?.permissions === undefined ? undefined : group.ownerId,
  }
}

/** undefined for somebody whom the simulator has forgotten. */
export function memberView(
  member: Member,
  group: Group,
  people: People,
): (WireUser & Record<string, unknown>) | undefined {
  const user = people.view(member.userId)
  if (user === undefined) return undefined
  const owner = member.userId === group.ownerId
  return {
    ...user,
    last_access_time: user.last_activity_time,
    is_owner: owner,
    is_admin: owner || member.permissions !== undefined,
    join_time: member.joinTime,
    permissions: member.permissions,
    alias: member.alias,
  }
}
