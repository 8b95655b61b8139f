/** What the bot does in groups: read who is there, add, remove, appoint, pin, rename, leave. */
import type { Changes } from './changes.ts'
import { memberView } from './chat-view.ts'
import type { Chats, Group, Member } from './chats.ts'
import { AccessDenied, BadPayload, NotFound } from './errors.ts'
import type { People } from './people.ts'
import type { Permission } from './schemas.ts'
import type { QueryResult } from './wire.ts'

interface Deps {
  botId: number
  people: People
  chats: Chats
  changes: Changes
}

export interface Admin {
  user_id: number
  permissions: readonly Permission[]
  alias?: string | null | undefined
}

type MemberView = NonNullable<ReturnType<typeof memberView>>

export type Membership = ReturnType<typeof createMembership>

export function createMembership(deps: Deps) {
  const changed = (group: Group): QueryResult => {
    deps.chats.touch(group)
    deps.changes.tell({ kind: 'chat', chat: group })
    return { success: true }
  }
  return {
    /** The group, if the bot is in it and has the right. @throws ChatNotFound, AccessDenied */
    group: (chatId: number, permission?: Permission) => groupOf(deps, chatId, permission),
    /** @param marker index of the first member of the page */
    page(chatId: number, marker: number, count: number) {
      const members = views(deps, groupOf(deps, chatId))
      const next = marker + count
      return {
        members: members.slice(marker, next),
        marker: next < members.length ? next : undefined,
      }
    },
    some: (chatId: number, userIds: readonly number[]) => ({
      members: views(deps, groupOf(deps, chatId)).filter(({ user_id }) =>
        userIds.includes(user_id),
      ),
    }),
    own(chatId: number): MemberView {
      const own = views(deps, groupOf(deps, chatId)).find(({ user_id }) => user_id === deps.botId)
      if (own === undefined) throw new NotFound('Membership')
      return own
    },
    admins: (chatId: number) => ({
      members: views(deps, groupOf(deps, chatId)).filter(({ is_admin }) => is_admin === true),
    }),
    leave(chatId: number): QueryResult {
      const group = groupOf(deps, chatId)
      group.members.delete(deps.botId)
      return changed(group)
    },
    add: (chatId: number, userIds: readonly number[]) => {
      const group = groupOf(deps, chatId, 'add_remove_members')
      const result = addMembers(deps, group, userIds)
      changed(group)
      return result
    },
    remove(chatId: number, userId: number): QueryResult {
      const group = groupOf(deps, chatId, 'add_remove_members')
      if (userId === group.ownerId || !group.members.delete(userId)) {
        return { success: false, message: `User ${userId} cannot be removed` }
      }
      return changed(group)
    },
    appoint(chatId: number, admins: readonly Admin[]): QueryResult {
      const group = groupOf(deps, chatId, 'add_admins')
      for (const admin of admins) appoint(group, admin)
      return changed(group)
    },
    dismiss(chatId: number, userId: number): QueryResult {
      const group = groupOf(deps, chatId, 'add_admins')
      memberOf(group, userId).permissions = undefined
      return changed(group)
    },
  }
}

function groupOf({ chats }: Deps, chatId: number, permission?: Permission): Group {
  const chat = chats.get(chatId)
  if (chat.type === 'dialog') throw new AccessDenied('Not available in a dialog')
  if (!chats.botIsIn(chat)) throw new AccessDenied(`Bot is not a member of chat ${chatId}`)
  if (permission !== undefined && !chats.botMay(chat, permission)) {
    throw new AccessDenied(`Bot needs the permission ${permission}`)
  }
  return chat
}

function views({ people }: Deps, group: Group): MemberView[] {
  return [...group.members.values()].flatMap((member) => memberView(member, group, people) ?? [])
}

function memberOf(group: Group, userId: number): Member {
  const member = group.members.get(userId)
  if (member === undefined) throw new BadPayload(`User ${userId} is not a member`)
  return member
}

function appoint(group: Group, { user_id, permissions, alias }: Admin): void {
  const member = memberOf(group, user_id)
  member.permissions = [...permissions]
  member.alias = alias ?? undefined
}

function addMembers({ people, chats }: Deps, group: Group, userIds: readonly number[]) {
  const unknown = userIds.filter((userId) => people.find(userId) === undefined)
  for (const userId of userIds) {
    if (!unknown.includes(userId) && !group.members.has(userId)) chats.join(group, userId)
  }
  if (unknown.length === 0) return { success: true }
  return {
    success: false,
    message: 'Some users were not added',
    failed_user_ids: unknown,
    failed_user_details: [{ error_code: 'add.participant.not.found', user_ids: unknown }],
  }
}
