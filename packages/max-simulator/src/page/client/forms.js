import { control } from './api.js'
import { button, element } from './element.js'
import { state } from './state.js'

/** Shows a form; `submit` answers whether it may be closed. */
function show(title, fields, submit) {
  const form = element('form', { method: 'dialog' }, element('h2', {}, title), fields)
  const dialog = element('dialog', {}, form)
  const close = () => dialog.remove()
  form.append(
    element(
      'div',
      { class: 'form-actions' },
      button('Отмена', close),
      element('button', { type: 'submit', class: 'primary' }, 'Добавить'),
    ),
  )
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    if ((await submit(new FormData(form))) !== undefined) close()
  })
  dialog.addEventListener('close', close)
  document.body.append(dialog)
  dialog.showModal()
}

function field(label, name, properties = {}) {
  return element(
    'label',
    {},
    label,
    element('input', { type: 'text', name, maxlength: '100', autocomplete: 'off', ...properties }),
  )
}

export function personForm() {
  const fields = [field('Имя', 'firstName', { required: true }), field('Фамилия', 'lastName')]
  show('Новый человек', fields, (data) =>
    control('POST', '/people', {
      firstName: data.get('firstName').trim(),
      ...(data.get('lastName').trim() !== '' && { lastName: data.get('lastName').trim() }),
    }),
  )
}

/** Everybody is in it; the bot too, with the rights to hear and to write. */
export function groupForm() {
  const people = [...state.people.values()]
  const fields = [
    field('Название', 'title', { required: true, maxlength: '200' }),
    element('p', {}, 'Участники'),
    ...people.map(({ userId, name }) => check(name, 'member', String(userId))),
    check('Бот читает все сообщения (администратор)', 'hears', 'yes'),
  ]
  show('Новая группа', fields, async (data) => {
    const memberIds = data.getAll('member').map(Number)
    const ownerId = memberIds[0] ?? people[0]?.userId
    const group = await control('POST', '/chats', { title: data.get('title'), ownerId, memberIds })
    if (group === undefined) return undefined
    const permissions =
      data.get('hears') === null ? [] : ['read_all_messages', 'write', 'pin_message']
    return control('PUT', `/chats/${group.chatId}/bot`, { permissions, userId: ownerId })
  })
}

function check(label, name, value) {
  return element(
    'label',
    { class: 'check' },
    element('input', { type: 'checkbox', name, value, checked: true }),
    label,
  )
}
