import { button } from '../content.ts'
import type { Button } from '../outgoing.ts'
import type { Texts } from '../texts/index.ts'

/** The one button that leads on from a screen that has no others. */
export const toMenu = (texts: Texts): Button[][] => [[button(texts.buttons.menu, 'menu')]]
