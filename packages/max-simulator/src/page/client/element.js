/**
 * Makes an element. Texts become text nodes, never markup; the one place that takes HTML is a message's text, which the
 * server has escaped.
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue
    if (name === 'class') made.className = value
    else if (name.startsWith('on')) made.addEventListener(name.slice(2), value)
    else made.setAttribute(name, value === true ? '' : value)
  }
  made.append(...children.flat().filter((child) => child !== undefined && child !== null))
  return made
}

export function button(text, onclick, properties = {}) {
  return element('button', { type: 'button', onclick, ...properties }, text)
}

const COLOURS = 6

/** A circle with the first letter; the colour follows the id. */
export function avatar(name, id) {
  const colour = Math.abs(id) % COLOURS
  const letter = [...name.trim()][0] ?? '?'
  return element('span', { class: `avatar avatar-${colour}`, 'aria-hidden': 'true' }, letter)
}
