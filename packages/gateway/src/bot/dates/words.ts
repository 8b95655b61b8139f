/** Words of dates and times, lower case, `ё` written `е`. Russian first; English for those who write English. */

/** Days from today. */
export const DAYS: ReadonlyMap<string, number> = new Map([
  ['сегодня', 0],
  ['завтра', 1],
  ['послезавтра', 2],
  ['today', 0],
  ['tonight', 0],
  ['tomorrow', 1],
])

const listed = (names: readonly (readonly string[])[]): ReadonlyMap<string, number> =>
  new Map(names.flatMap((forms, index) => forms.map((form) => [form, index + 1] as const)))

/** 1 is Monday. Nominative, accusative, genitive, dative, short. */
export const WEEKDAYS = listed([
  ['понедельник', 'понедельника', 'понедельнику', 'пн', 'monday', 'mon'],
  ['вторник', 'вторника', 'вторнику', 'вт', 'tuesday', 'tue'],
  ['среда', 'среду', 'среды', 'среде', 'ср', 'wednesday', 'wed'],
  ['четверг', 'четверга', 'четвергу', 'чт', 'thursday', 'thu'],
  ['пятница', 'пятницу', 'пятницы', 'пятнице', 'пт', 'friday', 'fri'],
  ['суббота', 'субботу', 'субботы', 'субботе', 'сб', 'saturday', 'sat'],
  ['воскресенье', 'воскресенья', 'воскресенью', 'вс', 'sunday', 'sun'],
])

export const MONTHS = listed([
  ['января', 'январь', 'янв', 'january', 'jan'],
  ['февраля', 'февраль', 'фев', 'february', 'feb'],
  ['марта', 'март', 'мар', 'march', 'mar'],
  ['апреля', 'апрель', 'апр', 'april', 'apr'],
  ['мая', 'май', 'may'],
  ['июня', 'июнь', 'июн', 'june', 'jun'],
  ['июля', 'июль', 'июл', 'july', 'jul'],
  ['августа', 'август', 'авг', 'august', 'aug'],
  ['сентября', 'сентябрь', 'сен', 'сент', 'september', 'sep'],
  ['октября', 'октябрь', 'окт', 'october', 'oct'],
  ['ноября', 'ноябрь', 'ноя', 'нояб', 'november', 'nov'],
  ['декабря', 'декабрь', 'дек', 'december', 'dec'],
])

/** Parts of the day as hours. */
export const DAY_PARTS: ReadonlyMap<string, number> = new Map([
  ['утром', 9],
  ['утра', 9],
  ['утру', 9],
  ['днем', 14],
  ['обед', 13],
  ['обеда', 13],
  ['обеду', 13],
  ['полдень', 12],
  ['полудня', 12],
  ['полудню', 12],
  ['вечером', 19],
  ['вечера', 19],
  ['вечеру', 19],
  ['ночью', 23],
  ['morning', 9],
  ['noon', 12],
  ['afternoon', 14],
  ['evening', 19],
  ['tonight', 20],
])

/** «в 6 вечера»: hours before noon that mean after it. */
export const AFTER_NOON: ReadonlySet<string> = new Set(['дня', 'вечера', 'pm'])
export const BEFORE_NOON: ReadonlySet<string> = new Set(['утра', 'ночи', 'am'])

export const NUMBERS: ReadonlyMap<string, number> = new Map([
  ['один', 1],
  ['одну', 1],
  ['одного', 1],
  ['полтора', 1.5],
  ['полторы', 1.5],
  ['два', 2],
  ['две', 2],
  ['двух', 2],
  ['пару', 2],
  ['три', 3],
  ['трех', 3],
  ['четыре', 4],
  ['пять', 5],
  ['шесть', 6],
  ['семь', 7],
  ['восемь', 8],
  ['девять', 9],
  ['десять', 10],
  ['пятнадцать', 15],
  ['двадцать', 20],
  ['тридцать', 30],
  ['a', 1],
  ['an', 1],
  ['one', 1],
  ['two', 2],
  ['three', 3],
])

export type Unit = 'minute' | 'hour' | 'day' | 'week' | 'month'

const UNIT_WORDS: readonly (readonly [RegExp, Unit])[] = [
  [/^(мин|минут[уы]?|min|minutes?)$/u, 'minute'],
  [/^(ч|час|часа|часов|часик|h|hours?)$/u, 'hour'],
  [/^(день|дня|дней|days?)$/u, 'day'],
  [/^(неделю|недели|недель|недельку|weeks?)$/u, 'week'],
  [/^(месяц|месяца|месяцев|months?)$/u, 'month'],
]

export function unitOf(word: string | undefined): Unit | undefined {
  return word === undefined ? undefined : UNIT_WORDS.find(([pattern]) => pattern.test(word))?.[1]
}

/** Words that may stand before a date and say nothing. */
export const BEFORE_DATE: ReadonlySet<string> = new Set([
  'в',
  'во',
  'на',
  'к',
  'ко',
  'до',
  'с',
  'on',
  'by',
  'at',
  'until',
  'the',
  'this',
])
