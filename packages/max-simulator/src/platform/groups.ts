/** What people do to groups and channels, and how the bot gets in and out of them. */
import type { Changes } from './changes.ts'
import type { Chats, Group, Member, NewGroup } from './chats.ts'
import { ControlConflict } from './errors.ts'
import type { People } from './people.ts'
import type { Permission } from './schemas.ts'
import type { Updates } from './updates.ts'

interface Deps {
  botId: number
  people: People
  chats: Chats
  updates: Updates
  changes: Changes
}

export type Groups = ReturnType<typeof createGroups>

export function createGroups(deps: Deps) {
  const tellIfHeard = (group: Group, publish: () => void): void => {
    if (deps.chats.botHears(group)) publish()
  }
  return {
    create(group: NewGroup): Group {
      for (const userId of [group.ownerId, ...(group.memberIds ?? [])]) deps.people.get(userId)
      return changed(deps, deps.chats.addGroup(group))
    },
    addMember(chatId: number, userId: number, inviterId?: number): Group {
      const group = deps.chats.group(chatId)
      const user = deps.people.get(userId)
      if (group.members.has(userId)) throw new ControlConflict(`Person ${userId} is in the chat`)
      deps.chats.join(group, user.userId)
      tellIfHeard(group, () =>
        publishMember(deps, 'user_added', group, userId, { inviter_id: inviterId }),
      )
      return changed(deps, group)
    },
    removeMember(chatId: number, userId: number, adminId?: number): Group {
      const group = deps.chats.group(chatId)
      if (!group.members.delete(userId)) throw notIn(`Person ${userId}`)
      tellIfHeard(group, () =>
        publishMember(deps, 'user_removed', group, userId, { admin_id: adminId }),
      )
      return changed(deps, group)
    },
    rename(chatId: number, title: string, userId?: number): Group {
      const group = deps.chats.group(chatId)
      group.title = title
      deps.updates.publish('chat_title_changed', chatId, {
        chat_id: chatId,
        user: deps.people.view(userId ?? group.ownerId),
        title,
      })
      return changed(deps, group)
    },
    /** @param permissions an empty list: an ordinary member, who hears nothing of what is said */
    addBot(chatId: number, permissions: readonly Permission[], userId?: number): Group {
      const group = deps.chats.group(chatId)
      if (deps.chats.botIsIn(group)) throw new ControlConflict('The bot is in the chat already')
      deps.chats.join(group, deps.botId, permissions.length > 0 ? permissions : undefined)
      publishBot(deps, 'bot_added', group, userId)
      return changed(deps, group)
    },
    removeBot(chatId: number, userId?: number): Group {
      const group = deps.chats.group(chatId)
      if (!group.members.delete(deps.botId)) throw notIn('The bot')
      publishBot(deps, 'bot_removed', group, userId)
      return changed(deps, group)
    },
    allowBot(chatId: number, permissions: readonly Permission[], userId?: number): Group {
      const group = deps.chats.group(chatId)
      const member = group.members.get(deps.botId)
      if (member === undefined) throw notIn('The bot')
      allow(deps, group, member, permissions, userId ?? group.ownerId)
      return changed(deps, group)
    },
  }
}

const notIn = (who: string): Error => new ControlConflict(`${who} is not in the chat`)

function changed({ chats, changes }: Deps, group: Group): Group {
  chats.touch(group)
  changes.tell({ kind: 'chat', chat: group })
  return group
}

const isChannel = ({ type }: Group): boolean => type === 'channel'

function publishMember(
  { people, updates }: Deps,
  type: 'user_added' | 'user_removed',
  group: Group,
  userId: number,
  by: { inviter_id?: number | undefined } | { admin_id?: number | undefined },
): void {
  updates.publish(type, group.chatId, {
    chat_id: group.chatId,
    user: people.view(userId),
    is_channel: isChannel(group),
    ...by,
  })
}

function publishBot(
  { people, updates }: Deps,
  type: 'bot_added' | 'bot_removed',
  group: Group,
  userId = group.ownerId,
): void {
  updates.publish(type, group.chatId, {
    chat_id: group.chatId,
    user: people.view(userId),
    is_channel: isChannel(group),
    user_id: userId,
  })
}

function allow(
  { updates }: Deps,
  group: Group,
  bot: Member,
  permissions: readonly Permission[],
  userId: number,
): void {
  bot.permissions = permissions.length > 0 ? permissions : undefined
  updates.publish('bot_admin_permissions_changed', group.chatId, {
    chat_id: group.chatId,
    user_id: userId,
    bot_id: bot.userId,
    is_channel: isChannel(group),
    is_admin: permissions.length > 0,
    permissions: bot.permissions,
  })
}
