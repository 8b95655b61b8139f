import { control } from './api.js'
import { Column } from './column.js'
import { avatar, element } from './element.js'
import { groupForm, personForm } from './forms.js'
import { fill, putMessage, state } from './state.js'

const columns = new Map()
const place = document.querySelector('#columns')
const tabs = document.querySelector('#tabs')

function draw() {
  for (const [userId, column] of columns) {
    if (state.people.has(userId)) continue
    column.root.remove()
    columns.delete(userId)
  }
  for (const person of state.people.values()) {
    if (!columns.has(person.userId)) {
      const column = new Column(person)
      columns.set(person.userId, column)
      place.append(column.root)
    }
    columns.get(person.userId).update(person)
  }
  drawTabs()
}

/** On a narrow screen one column is shown, the tabs choose which. */
function drawTabs() {
  const items = [...state.people.values()].map((person) =>
    element(
      'button',
      {
        type: 'button',
        class: state.unread.has(person.userId) ? 'tab unread' : 'tab',
        'aria-current': person.userId === state.current ? 'true' : undefined,
        onclick: () => choose(person.userId),
      },
      avatar(person.name, person.userId),
      person.firstName,
    ),
  )
  tabs.replaceChildren(...items)
  for (const [userId, column] of columns) {
    column.root.classList.toggle('current', userId === state.current)
  }
}

function choose(userId) {
  state.current = userId
  state.unread.delete(userId)
  drawTabs()
  columns.get(userId)?.toEnd()
}

function drawConnection(alive) {
  const shown = document.querySelector('#connection')
  const [kind, text, title] = alive ? botState() : ['lost', 'Нет связи с симулятором', '']
  shown.className = `connection connection-${kind}`
  shown.textContent = text
  shown.title = title
}

function botState() {
  const { mode, targets, failing, pending } = state.connection
  if (mode === 'none') {
    return ['none', 'Бот не подключён', 'Ни подписки на webhook, ни опроса обновлений нет']
  }
  if (mode === 'polling') return ['ok', 'Бот на связи: опрос', 'Бот забирает обновления сам']
  if (failing.length > 0) {
    return ['failing', `Бот не отвечает, ждут: ${pending}`, failing.join('\n')]
  }
  return ['ok', 'Бот на связи: webhook', targets.join('\n')]
}

const onMessage = (message) => {
  putMessage(message)
  for (const [userId, column] of columns) {
    column.put(message)
    if (column.chat.chatId === message.chatId && userId !== state.current) state.unread.add(userId)
  }
  drawTabs()
}

const handlers = {
  snapshot(data) {
    fill(data)
    for (const column of columns.values()) column.shown = undefined
    draw()
    drawConnection(true)
  },
  message: onMessage,
  'message-removed'({ chatId, mid }) {
    state.messages.get(chatId)?.delete(mid)
    for (const column of columns.values()) column.remove(mid)
  },
  person(person) {
    state.people.set(person.userId, person)
    draw()
  },
  chat(chat) {
    state.chats.set(chat.chatId, chat)
    draw()
  },
  'history-cleared'({ chatId }) {
    state.messages.delete(chatId)
    for (const column of columns.values()) if (column.shown === chatId) column.drawList()
  },
  action({ chatId, action }) {
    for (const column of columns.values()) if (column.shown === chatId) column.showAction(action)
  },
  connection(connection) {
    state.connection = connection
    drawConnection(true)
    for (const column of columns.values()) column.drawFoot()
  },
}

// The browser connects again by itself; the first event is then everything anew.
const stream = new EventSource('/control/stream')
for (const [name, handle] of Object.entries(handlers)) {
  stream.addEventListener(name, (event) => handle(JSON.parse(event.data)))
}
stream.addEventListener('error', () => drawConnection(false))

document.querySelector('#add-person').addEventListener('click', personForm)
document.querySelector('#add-group').addEventListener('click', groupForm)
document.querySelector('#reset').addEventListener('click', () => {
  if (confirm('Удалить все сообщения и добавленных людей?')) void control('POST', '/reset')
})
// A menu closes when something else is pressed.
document.addEventListener('click', ({ target }) => {
  for (const menu of document.querySelectorAll('details.menu[open]')) {
    if (!menu.contains(target)) menu.open = false
  }
})
