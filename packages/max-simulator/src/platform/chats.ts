/** Dialogs and groups: who is in them and what the bot may do there. */
import type { Bounds } from './bounds.ts'
import { ChatNotFound, ControlConflict, ControlNotFound } from './errors.ts'
import { dialogChatId } from './ids.ts'
import type { Permission } from './schemas.ts'

interface AnyChat {
  readonly chatId: number
  lastEventTime: number
  pinnedMid?: string | undefined
}

/** `none`: the person never pressed start. `suspended`: stopped by the person. */
export interface Dialog extends AnyChat {
  readonly type: 'dialog'
  readonly userId: number
  status: 'none' | 'active' | 'suspended'
}

export interface Member {
  readonly userId: number
  readonly joinTime: number
  /** Present: an administrator with these rights. */
  permissions?: readonly Permission[] | undefined
  alias?: string | undefined
}

export interface Group extends AnyChat {
  readonly type: 'chat' | 'channel'
  readonly ownerId: number
  readonly members: Map<number, Member>
  title: string
  description?: string | undefined
  iconUrl?: string | undefined
}

export type Chat = Dialog | Group

export interface NewGroup {
  type?: 'chat' | 'channel' | undefined
  title: string
  ownerId: number
  memberIds?: readonly number[] | undefined
}

/** Groups have negative ids; these look like the platform's. */
const FIRST_GROUP_ID = -70_801_090_403_050

export class Chats {
  readonly #bounds: Bounds
  readonly #now: () => number
  readonly #botId: number
  readonly #byId = new Map<number, Chat>()
  #groups = 0

  constructor(deps: { bounds: Bounds; now: () => number; botId: number }) {
    this.#bounds = deps.bounds
    this.#now = deps.now
    this.#botId = deps.botId
  }

  find(chatId: number): Chat | undefined {
    return this.#byId.get(chatId)
  }

  /** For the bot: a chat it has never been in does not exist. @throws ChatNotFound */
  get(chatId: number): Chat {
    const chat = this.#byId.get(chatId)
    if (chat === undefined || (chat.type === 'dialog' && chat.status === 'none')) {
      throw new ChatNotFound(chatId)
    }
    return chat
  }

  /** For the control API. @throws ControlNotFound */
  group(chatId: number): Group {
    const chat = this.#byId.get(chatId)
    if (chat === undefined || chat.type === 'dialog') throw new ControlNotFound(`Group ${chatId}`)
    return chat
  }

  /** The dialog of a person with the bot, made when first needed. */
  dialog(userId: number): Dialog {
    const chatId = dialogChatId(this.#botId, userId)
    const known = this.#byId.get(chatId)
    if (known?.type === 'dialog') return known
    const dialog: Dialog = {
      type: 'dialog',
      chatId,
      userId,
      status: 'none',
      lastEventTime: this.#now(),
    }
    this.#byId.set(chatId, dialog)
    return dialog
  }

  addGroup({ type = 'chat', title, ownerId, memberIds = [] }: NewGroup): Group {
    if (this.#groups >= this.#bounds.groups) {
      throw new ControlConflict(`There are ${this.#bounds.groups} groups already`)
    }
    const group: Group = {
      type,
      chatId: FIRST_GROUP_ID - this.#groups * 17,
      title,
      ownerId,
      members: new Map(),
      lastEventTime: this.#now(),
    }
    this.#groups += 1
    for (const userId of new Set([ownerId, ...memberIds])) this.join(group, userId)
    this.#byId.set(group.chatId, group)
    return group
  }

  join(group: Group, userId: number, permissions?: readonly Permission[]): Member {
    if (group.members.size >= this.#bounds.members) {
      throw new ControlConflict(`The group has ${this.#bounds.members} members already`)
    }
    const member: Member = { userId, joinTime: this.#now(), permissions }
    group.members.set(userId, member)
    return member
  }

  /** Whether a group's bot is an administrator with that right. */
  botMay(group: Group, permission: Permission): boolean {
    return group.members.get(this.#botId)?.permissions?.includes(permission) ?? false
  }

  botIsIn(group: Group): boolean {
    return group.members.has(this.#botId)
  }

  /** Whether the bot is told of messages and members of this chat. */
  botHears(chat: Chat): boolean {
    return chat.type === 'dialog'
      ? chat.status === 'active'
      : this.botMay(chat, 'read_all_messages')
  }

  touch(chat: Chat): void {
    chat.lastEventTime = this.#now()
  }

  list(): Chat[] {
    return [...this.#byId.values()]
  }

  clear(): void {
    this.#byId.clear()
    this.#groups = 0
  }
}
