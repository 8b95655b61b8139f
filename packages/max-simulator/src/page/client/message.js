import { control, toast } from './api.js'
import { button, element } from './element.js'

const TIME = new Intl.DateTimeFormat('ru', { hour: '2-digit', minute: '2-digit' })

/** One message as a person sees it. */
export function messageElement(message, person, chat) {
  const own = message.sender.userId === person.userId
  const bubble = element('div', { class: 'bubble' })
  if (chat.type !== 'dialog' && !own) {
    bubble.append(element('div', { class: 'sender' }, message.sender.name))
  }
  if (message.replyTo) bubble.append(quoted(message.replyTo))
  bubble.append(...message.attachments.map((attachment) => attached(attachment)))
  if (message.html) {
    const text = element('div', { class: 'text' })
    // Escaped by the server (render-markup.ts); the page's policy runs no inline script either.
    text.innerHTML = message.html
    bubble.append(text)
  }
  bubble.append(foot(message))
  const parts = [bubble]
  if (message.buttons.length > 0) parts.push(keyboard(message, person, chat))
  if (own) parts.push(ownActions(message, person))
  return element(
    'article',
    { class: `message ${own ? 'own' : 'other'}`, 'data-mid': message.mid },
    parts,
  )
}

function foot({ timestamp, editedAt }) {
  const edited = editedAt === undefined ? '' : 'изменено · '
  const at = new Date(timestamp)
  return element('time', { datetime: at.toISOString() }, `${edited}${TIME.format(at)}`)
}

function quoted({ name, text }) {
  return element(
    'blockquote',
    { class: 'reply' },
    element('b', {}, name ?? ''),
    element('span', {}, text || 'вложение'),
  )
}

const KINDS = {
  image: '🖼 Изображение',
  video: '🎬 Видео',
  audio: '🎧 Аудио',
  file: '📎',
  sticker: '🙂 Стикер',
  contact: '👤 Контакт',
  share: '🔗',
  location: '📍 Место',
}

function attached(attachment) {
  const { type, payload } = attachment
  const details = {
    file: () => `${attachment.filename}, ${size(attachment.size)}`,
    sticker: () => payload.code,
    contact: () => payload.max_info?.name ?? /FN:(.*)/.exec(payload.vcf_info ?? '')?.[1] ?? '',
    share: () => payload.url ?? '',
    location: () => `${attachment.latitude}, ${attachment.longitude}`,
  }
  const text = [KINDS[type] ?? type, details[type]?.() ?? ''].join(' ')
  return element('div', { class: 'attachment' }, text)
}

function size(bytes) {
  if (bytes < 1024) return `${bytes} Б`
  return bytes < 1024 ** 2
    ? `${Math.round(bytes / 1024)} КБ`
    : `${(bytes / 1024 ** 2).toFixed(1)} МБ`
}

function keyboard(message, person, chat) {
  const rows = message.buttons.map((row) =>
    element(
      'div',
      { class: 'keys' },
      row.map((key) => keyElement(key, message, person, chat)),
    ),
  )
  return element('div', { class: 'keyboard' }, rows)
}

function keyElement(key, message, person, chat) {
  if (key.type === 'link') {
    // Only what a browser may safely open; anything else is shown and leads nowhere.
    const safe = /^(https?|max):/i.test(key.url)
    const target = safe ? { href: key.url, target: '_blank', rel: 'noopener noreferrer' } : {}
    return element('a', { class: 'key key-link', ...target }, key.text)
  }
  const shown = button(key.text, () => press(shown, key, message, person, chat), {
    class: `key key-${key.type}`,
    title: key.type === 'callback' ? key.payload : undefined,
  })
  return shown
}

async function press(shown, key, message, person, chat) {
  if (key.type === 'clipboard') {
    await navigator.clipboard?.writeText(key.payload)
    toast('Скопировано')
    return
  }
  if (key.type === 'open_app') {
    toast('Мини-приложения симулятор не открывает')
    return
  }
  shown.classList.add('busy')
  await control('POST', `/people/${person.userId}/presses`, {
    mid: message.mid,
    text: key.text,
    chatId: chat.chatId,
    ...(key.payload !== undefined && { payload: key.payload }),
  })
  shown.classList.remove('busy')
}

function ownActions(message, person) {
  const path = `/people/${person.userId}/messages/${message.mid}`
  const edit = () => {
    const text = prompt('Новый текст', message.text ?? '')
    if (text !== null && text !== message.text) void control('PUT', path, { text })
  }
  const remove = () => void control('DELETE', path)
  return element(
    'div',
    { class: 'own-actions' },
    message.text ? button('✎', edit, { title: 'Изменить', 'aria-label': 'Изменить' }) : undefined,
    button('✕', remove, { title: 'Удалить', 'aria-label': 'Удалить' }),
  )
}
