import type { UserSettings } from '@potok/contracts/user'
import { button, content, escaped } from '../content.ts'
import { isTimeZone, wallOf } from '../dates/index.ts'
import type { Chapter, Desk } from '../desk.ts'
import type { Button } from '../outgoing.ts'
import type { Person } from '../people.ts'
import { textsIn, type Texts } from '../texts/index.ts'
import type { Turn } from '../turn.ts'

/** Offered as buttons; any other can be typed. */
const ZONES = [
  'Europe/Kaliningrad',
  'Europe/Moscow',
  'Europe/Samara',
  'Asia/Yekaterinburg',
  'Asia/Omsk',
  'Asia/Novosibirsk',
  'Asia/Irkutsk',
  'Asia/Yakutsk',
  'Asia/Vladivostok',
  'Asia/Kamchatka',
] as const

const RANGE =
  /^(?:с\s*|from\s*)?(\d{1,2})(?:[:.](\d{2}))?\s*(?:-|–|—|до|to|until|\s)\s*(\d{1,2})(?:[:.](\d{2}))?$/u

/** «22:00–8:00», «с 22 до 8» → the range as settings have it; undefined when it is none, or empty. */
export function readQuietHours(text: string): UserSettings['quietHours'] {
  const match = RANGE.exec(text.trim().toLowerCase())
  if (match === null) return undefined
  const [, fromHour, fromMinute = '00', toHour, toMinute = '00'] = match
  const from = timeOf(fromHour, fromMinute)
  const to = timeOf(toHour, toMinute)
  return from === undefined || to === undefined || from === to ? undefined : { from, to }
}

function timeOf(hour: string | undefined, minute: string): string | undefined {
  if (hour === undefined || Number(hour) > 23 || Number(minute) > 59) return undefined
  return `${hour.padStart(2, '0')}:${minute}`
}

function screen(person: Person, texts: Texts, now: number, remark?: string) {
  const { settings, timeZone } = person
  const { quietHours, notifications = true } = settings
  const { settings: words } = texts
  const range = quietHours && `${quietHours.from}–${quietHours.to}`
  const wall = wallOf(now, timeZone)
  const time = `${wall.hour}:${String(wall.minute).padStart(2, '0')}`
  return content(
    [
      remark,
      words.title,
      words.notifications(notifications),
      words.quiet(range),
      words.language,
      words.timeZone(escaped(timeZone), time),
    ],
    settingButtons(texts, { notifications, isQuiet: quietHours !== undefined }),
  )
}

function settingButtons(
  texts: Texts,
  { notifications, isQuiet }: { notifications: boolean; isQuiet: boolean },
): Button[][] {
  const { buttons } = texts.settings
  return [
    [
      notifications
        ? button(buttons.notificationsOff, 'set:notifications:off')
        : button(buttons.notificationsOn, 'set:notifications:on'),
    ],
    [
      button(buttons.quiet, 'set:quiet'),
      ...(isQuiet ? [button(buttons.quietOff, 'set:quiet:off')] : []),
    ],
    [button(buttons.language, `set:language:${texts.locale === 'ru' ? 'en' : 'ru'}`)],
    [button(buttons.timeZone, 'set:zone')],
    [button(buttons.link, 'link')],
    [button(texts.buttons.menu, 'menu')],
  ]
}

/** Settings are replaced as a whole; a null takes the quiet hours away. */
function changed(
  present: UserSettings,
  {
    quietHours,
    ...rest
  }: Omit<UserSettings, 'quietHours'> & {
    quietHours?: UserSettings['quietHours'] | null
  },
): UserSettings {
  const wanted: UserSettings = { ...present, ...rest }
  if (quietHours === null) delete wanted.quietHours
  else if (quietHours !== undefined) wanted.quietHours = quietHours
  return wanted
}

/** Saves what changed and shows the settings as they are now. */
async function save(turn: Turn, desk: Desk, change: Parameters<typeof changed>[1]): Promise<void> {
  const { person, contact } = turn
  const present = await desk.accounts.settings(person.userId, contact)
  const wanted = changed(present, change)
  const settings = await desk.accounts.saveSettings(person.userId, wanted, contact)
  showSaved(turn, desk, { ...person, settings, locale: settings.language ?? person.locale })
}

async function saveZone(turn: Turn, desk: Desk, timeZone: string): Promise<void> {
  const { person, contact } = turn
  const user = await desk.accounts.change(person.userId, { timeZone }, contact)
  showSaved(turn, desk, { ...person, timeZone: user?.timeZone ?? person.timeZone })
}

function showSaved(turn: Turn, desk: Desk, person: Person): void {
  desk.people.forget(person.maxUserId)
  turn.expect(undefined)
  const texts = textsIn(person.locale)
  turn.show(screen(person, texts, turn.now, texts.settings.saved))
}

function askQuiet(turn: Turn, text = turn.texts.settings.askQuiet): void {
  const { buttons, settings: words } = turn.texts
  turn.expect({ kind: 'quiet-hours' })
  turn.show(
    content(
      [text],
      [[button(words.buttons.quietOff, 'set:quiet:off')], [button(buttons.back, 'settings')]],
    ),
  )
}

function askZone(turn: Turn, text = turn.texts.settings.askTimeZone): void {
  turn.expect({ kind: 'time-zone' })
  const zones = ZONES.map((zone) => button(zone.replace(/^.*\//u, ''), `set:zone:${zone}`))
  turn.show(
    content(
      [text],
      [
        ...Array.from({ length: ZONES.length / 2 }, (_, row) => zones.slice(row * 2, row * 2 + 2)),
        [button(turn.texts.buttons.back, 'settings')],
      ],
    ),
  )
}

/** Notifications, quiet hours, language and time zone. */
export const settings: Chapter = (bot, desk) => {
  const open = ({ turn }: { turn: Turn }): void => {
    turn.show(screen(turn.person, turn.texts, turn.now))
  }
  bot.command(['settings', 'настройки'], open)
  bot.action('settings', open)
  bot.action(/^set:notifications:(on|off)$/u, ({ turn, match }) =>
    save(turn, desk, { notifications: match?.[1] === 'on' }),
  )
  bot.action(/^set:language:(ru|en)$/u, ({ turn, match }) =>
    save(turn, desk, { language: match?.[1] === 'en' ? 'en' : 'ru' }),
  )
  bot.action('set:quiet', ({ turn }) => askQuiet(turn))
  bot.action('set:quiet:off', ({ turn }) => save(turn, desk, { quietHours: null }))
  bot.action('set:zone', ({ turn }) => askZone(turn))
  bot.action(/^set:zone:([\w/+-]+)$/u, ({ turn, match }) =>
    chosenZone(turn, desk, match?.[1] ?? ''),
  )
  bot.on('message_created', async ({ turn }, next) => {
    const { incoming, texts } = turn
    const dialog = turn.dialog()
    const text = incoming.text.trim()
    if (text === '' || text.startsWith('/')) return next()
    if (dialog?.kind === 'time-zone') return chosenZone(turn, desk, text)
    if (dialog?.kind !== 'quiet-hours') return next()
    const quietHours = readQuietHours(text)
    return quietHours === undefined
      ? askQuiet(turn, texts.settings.unknownQuiet)
      : save(turn, desk, { quietHours })
  })
}

async function chosenZone(turn: Turn, desk: Desk, zone: string): Promise<void> {
  if (!isTimeZone(zone)) return askZone(turn, turn.texts.settings.unknownTimeZone)
  return saveZone(turn, desk, zone)
}
