import { control } from './api.js'
import { composer, menu } from './composer.js'
import { avatar, button, element } from './element.js'
import { messageElement } from './message.js'
import { chatsOf, messagesOf, openChat, state } from './state.js'

/** Nearer to the end than this, the list follows new messages. */
const FOLLOW_PX = 120
const ACTION_MS = 6000

/** One person: head, list of chats, messages, foot. Only what changed is made anew. */
export class Column {
  constructor(person) {
    this.person = person
    this.head = element('header', { class: 'head' })
    this.chats = element('nav', { class: 'chats', 'aria-label': 'Чаты' })
    this.list = element('div', { class: 'list', role: 'log', 'aria-label': 'Сообщения' })
    this.action = element('p', { class: 'action', hidden: true })
    this.foot = element('div', { class: 'foot' })
    this.root = element(
      'section',
      { class: 'column', 'aria-label': person.name },
      this.head,
      this.chats,
      this.list,
      this.action,
      this.foot,
    )
    this.items = new Map()
    this.shown = undefined
    this.footKey = undefined
  }

  get chat() {
    return openChat(this.person)
  }

  update(person) {
    this.person = person
    this.drawHead()
    this.drawChats()
    this.drawFoot()
    if (this.shown !== this.chat.chatId) this.drawList()
    // What an empty chat says depends on whether the bot was started.
    this.list.querySelector('.empty')?.replaceWith(this.emptiness())
  }

  drawHead() {
    const { person } = this
    const act = (name) => () => control('POST', `/people/${person.userId}/${name}`)
    const items = [
      ['Остановить бота', act('stop')],
      ['Очистить историю', act('clear-dialog')],
      ['Удалить диалог', act('remove-dialog')],
    ]
    const id = person.username === undefined ? `id ${person.userId}` : `@${person.username}`
    this.head.replaceChildren(
      avatar(person.name, person.userId),
      element('div', { class: 'who' }, element('h2', {}, person.name), element('p', {}, id)),
      ...(person.dialog === 'active' ? [menu('⋯', 'Диалог с ботом', items, 'right')] : []),
    )
  }

  drawChats() {
    const chats = chatsOf(this.person)
    this.chats.hidden = chats.length < 2
    const tabs = chats.map((chat) =>
      button(chat.title, () => this.choose(chat), {
        class: 'chip',
        'aria-current': chat.chatId === this.chat.chatId ? 'true' : undefined,
      }),
    )
    this.chats.replaceChildren(...tabs)
  }

  choose(chat) {
    state.open.set(this.person.userId, chat.chatId)
    this.update(this.person)
  }

  /** Not while somebody is typing in it, unless it must become another one. */
  drawFoot() {
    const commands = state.connection?.bot.commands.length ?? 0
    const key = `${this.chat.chatId} ${this.person.dialog} ${commands}`
    if (key === this.footKey) return
    this.footKey = key
    const follow = this.atEnd
    this.foot.replaceChildren(composer(this.person, this.chat))
    if (follow) this.toEnd()
  }

  drawList() {
    this.shown = this.chat.chatId
    this.items.clear()
    this.list.replaceChildren()
    const messages = messagesOf(this.shown)
    if (messages.length === 0) this.list.append(this.emptiness())
    for (const message of messages) this.put(message)
    this.toEnd()
  }

  emptiness() {
    const started = this.chat.type !== 'dialog' || this.person.dialog === 'active'
    const name = state.connection?.bot.name ?? 'бот'
    const text = started
      ? 'Здесь пока нет сообщений.'
      : `Нажмите «Начать», и бот «${name}» узнает, что ${this.person.firstName} здесь.`
    return element('p', { class: 'empty' }, text)
  }

  /** Adds a message or puts its new form in its place. */
  put(message) {
    if (message.chatId !== this.shown) return
    const follow = this.atEnd
    const made = messageElement(message, this.person, this.chat)
    const before = this.items.get(message.mid)
    this.items.set(message.mid, made)
    this.list.querySelector('.empty')?.remove()
    if (before === undefined) this.list.append(made)
    else before.replaceWith(made)
    if (message.sender.isBot) this.action.hidden = true
    if (follow) this.toEnd()
  }

  remove(mid) {
    this.items.get(mid)?.remove()
    this.items.delete(mid)
  }

  /** The bot is typing, or sending a file. */
  showAction(action) {
    this.action.textContent = action === 'typing_on' ? 'печатает…' : 'отправляет файл…'
    this.action.hidden = action === 'mark_seen'
    clearTimeout(this.actionTimer)
    this.actionTimer = setTimeout(() => (this.action.hidden = true), ACTION_MS)
  }

  get atEnd() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < FOLLOW_PX
  }

  toEnd() {
    this.list.scrollTop = this.list.scrollHeight
  }
}
