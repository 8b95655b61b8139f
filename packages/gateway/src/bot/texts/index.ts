/**
 * What the bot says: one catalogue a language, chosen by the person's setting, else by what the platform says.
 */
import { en } from './en.ts'
import { ru, type Texts } from './ru.ts'

export type { Texts } from './ru.ts'

export type Locale = 'ru' | 'en'

/** `en-US` → `en`; everything that is not English is Russian. */
export function localeOf(userLocale: string | null | undefined): Locale {
  return userLocale?.toLowerCase().startsWith('en') === true ? 'en' : 'ru'
}

export function textsIn(locale: Locale): Texts {
  return locale === 'en' ? en : ru
}
