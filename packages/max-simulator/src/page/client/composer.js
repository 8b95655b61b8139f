import { control } from './api.js'
import { button, element } from './element.js'
import { state } from './state.js'

/** The foot of a column: where a person starts the bot or writes. */
export function composer(person, chat) {
  if (chat.type !== 'dialog') return writer(person, chat)
  if (person.dialog === 'none') return starter(person)
  if (person.dialog === 'suspended') return resumer(person)
  return writer(person, chat)
}

const start = (person, body) => control('POST', `/people/${person.userId}/start`, body ?? {})

function starter(person) {
  const payload = element('input', {
    type: 'text',
    placeholder: 'Параметр ссылки, если нужен',
    'aria-label': 'Параметр стартовой ссылки',
    maxlength: '4096',
  })
  const go = () => start(person, payload.value === '' ? {} : { payload: payload.value })
  return element(
    'div',
    { class: 'composer starter' },
    button('Начать', go, { class: 'primary' }),
    payload,
  )
}

function resumer(person) {
  return element(
    'div',
    { class: 'composer starter' },
    element('p', {}, 'Бот остановлен: сюда он писать не может.'),
    button('Запустить снова', () => start(person), { class: 'primary' }),
  )
}

function writer(person, chat) {
  const input = element('textarea', {
    rows: '1',
    maxlength: '4000',
    placeholder: 'Сообщение',
    'aria-label': `Сообщение от имени: ${person.name}`,
  })
  const send = async () => {
    const text = input.value
    if (text.trim() === '') return
    input.value = ''
    fit(input)
    const sent = await control('POST', `/people/${person.userId}/messages`, {
      text,
      chatId: chat.chatId,
    })
    // What could not be sent is not lost.
    if (sent === undefined && input.value === '') input.value = text
    input.focus()
  }
  input.addEventListener('input', () => fit(input))
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault()
      void send()
    }
  })
  return element(
    'div',
    { class: 'composer' },
    attach(person, chat),
    input,
    commands(input),
    button('➤', send, { class: 'send', 'aria-label': 'Отправить' }),
  )
}

/** As high as its text, up to a limit of the style sheet. */
function fit(input) {
  input.style.height = 'auto'
  // The scroll height is without the two border lines.
  input.style.height = `${input.scrollHeight + 2}px`
}

/** A menu that closes after a choice. */
export function menu(label, title, items, className = '') {
  const list = element('div', { class: 'menu-items' })
  const details = element(
    'details',
    { class: `menu ${className}` },
    element('summary', { 'aria-label': title, title }, label),
    list,
  )
  for (const [text, act] of items) {
    list.append(
      button(text, () => {
        details.open = false
        void act()
      }),
    )
  }
  return details
}

function commands(input) {
  const known = state.connection?.bot.commands ?? []
  if (known.length === 0) return undefined
  const items = known.map(({ name, description }) => [
    description === undefined ? `/${name}` : `/${name} — ${description}`,
    () => {
      input.value = `/${name} `
      input.focus()
    },
  ])
  return menu('/', 'Команды бота', items, 'up right')
}

function attach(person, chat) {
  const send = (attachment) => () =>
    control('POST', `/people/${person.userId}/messages`, {
      chatId: chat.chatId,
      attachments: [attachment],
    })
  const file = { type: 'file', filename: 'отчёт.pdf', size: 12_288 }
  const place = { type: 'location', latitude: 55.751244, longitude: 37.618423 }
  return menu(
    '+',
    'Вложить',
    [
      ['Файл', send(file)],
      ['Изображение', send({ type: 'image' })],
      ['Контакт', send({ type: 'contact', name: person.name })],
      ['Место', send(place)],
      ['Стикер', send({ type: 'sticker', code: 'smile' })],
    ],
    'up',
  )
}
