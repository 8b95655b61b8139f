/**
 * Chooses the form of a word for a number.
 * @returns the number and the word, «2 задачи»
 */
export function pluralIn(locale: 'ru' | 'en') {
  const rules = new Intl.PluralRules(locale)
  return (count: number, forms: { one: string; few?: string; many?: string; other: string }) => {
    const rule = rules.select(count)
    const form = rule === 'one' || rule === 'few' || rule === 'many' ? forms[rule] : undefined
    return `${count} ${form ?? forms.other}`
  }
}
