import { element } from './element.js'

const TOAST_MS = 5000

/** A short word to the person at the page. */
export function toast(text, kind = 'info') {
  const shown = element('p', { class: `toast toast-${kind}` }, text)
  document.querySelector('#toasts').append(shown)
  setTimeout(() => shown.remove(), TOAST_MS)
}

/** Calls the control API; a failure is said on the page and answered with undefined. */
export async function control(method, path, body) {
  try {
    const response = await fetch(`/control${path}`, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
    const text = await response.text()
    const answer = text === '' ? {} : JSON.parse(text)
    if (response.ok) return answer
    toast(answer.message ?? `Ошибка ${response.status}`, 'error')
  } catch {
    toast('Симулятор не отвечает. Он запущен?', 'error')
  }
  return undefined
}
