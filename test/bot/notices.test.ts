import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { EventLogItem } from '@potok/contracts/event'
import { pageOf } from '@potok/contracts/state'
import { createParser } from '@potok/core/validation'
import { ANNA, BORIS, type Person } from './person.ts'
import { ask } from './services.ts'
import { setStage, type Stage } from './stage.ts'

let stage: Stage
let anna: Person
let boris: Person
let annaId: string
let borisId: string

beforeAll(async () => {
  stage = await setStage({ limits: { noticeQuietMs: 500, noticePatienceMs: 10_000 } })
  anna = stage.person(ANNA)
  boris = stage.person(BORIS)
  anna.start()
  boris.start()
  await anna.hears('Здравствуйте')
  await boris.hears('Здравствуйте')
  annaId = (await stage.user(ANNA)).id
  borisId = (await stage.user(BORIS)).id
}, 60_000)
afterAll(() => stage.close())

const about = (person: Person, title: string): string[] =>
  person
    .heard()
    .filter(({ text }) => text.includes(title))
    .map(({ text }) => text.split('\n')[0] ?? '')

const settings = (userId: string, json: object): Promise<unknown> =>
  ask(`${stage.admin.url}/api/v1/users/${userId}/settings`, (value) => value, {
    method: 'PUT',
    json,
  })

/** Long enough for a notice that must not come: others, caused later, have come. */
async function afterOtherNotices(): Promise<void> {
  const title = `Вешка ${performance.now()}`
  await stage.create(`marker-${performance.now()}`.replace('.', '-'), marker(title), annaId)
  await boris.hears(title)
}
const marker = (title: string) => ({ status: 'created', metadata: { title, assignee: borisId } })

describe('changes made elsewhere', () => {
  test('an assignment from the dashboard reaches the assignee; a taken-away task is told to nobody else', async () => {
    await stage.create('dash-1', { status: 'created', metadata: { title: 'С доски' } }, annaId)
    await stage.change('dash-1', { metadata: { assignee: borisId } }, annaId)
    await boris.hears('Вам поручена задача. От кого: Анна')
    expect(about(boris, 'С доски')).toHaveLength(1)
    expect(about(anna, 'С доски')).toHaveLength(0)
  })

  test('a storm of changes becomes one message', async () => {
    await stage.create('storm', { status: 'created', metadata: { title: 'Буря' } }, annaId)
    const rounds = Array.from({ length: 10 }, () => ['in_progress', 'pending']).flat()
    await stage.changeMany('storm', [...rounds, 'in_progress', 'completed'], borisId)
    await anna.hears('Ваша задача теперь готова. Кто изменил: Борис')
    await afterOtherNotices()
    expect(about(anna, 'Буря')).toHaveLength(1)
  })

  test('whoever makes a change is not told of it', async () => {
    await stage.create('own', { status: 'created', metadata: { title: 'Своя' } }, borisId)
    await stage.change('own', { status: 'in_progress', metadata: { assignee: borisId } }, borisId)
    await stage.change('own', { status: 'failed', reason: 'не судьба' }, borisId)
    await afterOtherNotices()
    expect(about(boris, 'Своя')).toEqual([])
  })

  test('a failure reaches author and assignee, a deletion too', async () => {
    const metadata = { title: 'Общая', assignee: borisId }
    await stage.create('common', { status: 'in_progress', metadata }, annaId)
    await boris.hears('Общая')
    const manager = await stage.create('x', { status: 'created', metadata: {} }, annaId)
    expect(manager.version).toBe(1)
    await stage.change('common', { status: 'failed', reason: 'Пожар' }, 'somebody')
    await anna.hears('Задача не вышла')
    await boris.hears('Задача не вышла')
    await stage.remove('common')
    const told = await anna.hears('Задача «Общая» удалена')
    expect(told.text).toContain('сервис gateway')
    await boris.hears('Задача «Общая» удалена')
    expect(boris.heard().some(({ text }) => text === 'Этой задачи больше нет.')).toBe(true)
  })

  test('events that come twice are told once', async () => {
    const metadata = { title: 'Дважды', assignee: annaId }
    await stage.create('twice', { status: 'created', metadata }, borisId)
    await anna.hears('Дважды')
    const url = `${stage.state.url}/api/v1/events?entity=task&limit=500`
    const { items } = await ask(url, createParser(pageOf(EventLogItem)))
    const event = items.find((item) => item.event === 'entity.created' && item.data.id === 'twice')
    if (event?.event !== 'entity.created') throw new Error('no such event')
    const app = stage.gateway.app()
    for (let round = 0; round < 3; round += 1) await app?.bot.notifyTaskEvent(event, 'again')
    await afterOtherNotices()
    expect(about(anna, 'Дважды')).toHaveLength(1)
  })

  test('an assignment that is taken back at once is told to nobody but the new assignee', async () => {
    const metadata = { title: 'Перекати-поле', assignee: borisId }
    await stage.create('tumbleweed', { status: 'created', metadata }, 'somebody')
    await stage.change('tumbleweed', { metadata: { assignee: annaId } }, 'somebody')
    await anna.hears('Перекати-поле')
    await afterOtherNotices()
    expect(about(boris, 'Перекати-поле')).toEqual([])
  })
})

describe('what a person set', () => {
  test('notifications that are off are not sent', async () => {
    await settings(annaId, { notifications: false })
    const metadata = { title: 'Тишина', assignee: annaId }
    await stage.create('silence', { status: 'created', metadata }, borisId)
    await afterOtherNotices()
    expect(about(anna, 'Тишина')).toEqual([])
    await settings(annaId, {})
  })

  test('in quiet hours they wait for their end, and then tell the newest of each task', async () => {
    const wall = (ms: number): string => new Date(Date.now() + ms).toISOString().slice(11, 16)
    await stage.changeUser(annaId, { timeZone: 'UTC' })
    await settings(annaId, { quietHours: { from: wall(-3_600_000), to: wall(3_600_000) } })
    const metadata = { title: 'Ночная', assignee: annaId }
    await stage.create('night', { status: 'created', metadata }, borisId)
    await afterOtherNotices()
    expect(about(anna, 'Ночная')).toEqual([])
    const waiting = await vi.waitFor(async () => {
      const metrics = await (await fetch(`${stage.gateway.url()}/api/v1/metrics`)).text()
      const line = /bot_notices_total\{outcome="quiet"\} (\d+)/u.exec(metrics)
      if (line === null) throw new Error('nothing waits')
      return Number(line[1])
    })
    expect(waiting).toBeGreaterThan(0)
    await settings(annaId, {})
    await stage.changeUser(annaId, { timeZone: 'Europe/Moscow' })
  })

  test('who stopped the bot is not written to, until they start it again', async () => {
    stage.platform.dialogs.stop(ANNA)
    const metadata = { title: 'Без адресата', assignee: annaId }
    await stage.create('nobody', { status: 'created', metadata }, borisId)
    await afterOtherNotices()
    expect(about(anna, 'Без адресата')).toEqual([])
    const before = anna.heard().length
    anna.start()
    await anna.hears('Здравствуйте', undefined, before)
    const again = { title: 'Снова на связи', assignee: annaId }
    await stage.create('again', { status: 'created', metadata: again }, borisId)
    await anna.hears('Снова на связи')
    expect(about(anna, 'Снова на связи')).toHaveLength(1)
  })

  test('English for who speaks English', async () => {
    const { userId } = stage.platform.people.add({ firstName: 'Eve', locale: 'en-US' })
    stage.platform.chats.dialog(userId)
    const eve = stage.person(userId)
    eve.start()
    await eve.hears('Hello, Eve!')
    eve.write('/new Report by tomorrow 18:00 !high')
    const card = await eve.hears('Task created')
    expect(card.text).toContain('Deadline: tomorrow, 18:00')
    expect(card.text).toContain('Priority: high')
  })
})

describe('accounts', () => {
  const codeOf = async (token: string): Promise<string> => {
    const response = await fetch(`${stage.gateway.url()}/api/v1/auth/link-code`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    })
    const { code } = (await response.json()) as { code: string }
    return code
  }
  const login = async (): Promise<string> => {
    const response = await fetch(`${stage.gateway.url()}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'user', password: 'password' }),
    })
    return ((await response.json()) as { access_token: string }).access_token
  }

  test('a code links the MAX account to an account that exists, and the rights of its role come with it', async () => {
    const { userId } = stage.platform.people.add({ firstName: 'Павел' })
    stage.platform.chats.dialog(userId)
    const pavel = stage.person(userId)
    pavel.start()
    await pavel.hears('Здравствуйте')
    pavel.write('/link')
    await pavel.hears('Возьмите код')
    pavel.write('000000')
    await pavel.hears('Код не подошёл')
    const before = pavel.heard().length
    pavel.write(`/link ${await codeOf(await login())}`)
    await pavel.hears('Готово: теперь вы', undefined, before)
    expect(await stage.user(userId)).toMatchObject({ username: 'user', roles: ['admin'] })
    pavel.write('/team')
    const team = await pavel.hears('Команда')
    expect(team.text).toContain('Борис')
    await stage.create('managed', { status: 'created', metadata: { title: 'Чужая' } }, borisId)
    pavel.write('/tasks все')
    await pavel.hears('Чужая')
    pavel.press('Чужая')
    await pavel.hears(/^Чужая · новая/u)
    pavel.press('Взять')
    await pavel.hears(/^Чужая · ждёт начала/u)
    expect((await stage.task('managed')).status).toBe('pending')
  })

  test('a code that was spent while the admin service was away can be said again', async () => {
    const { userId } = stage.platform.people.add({ firstName: 'Рита' })
    stage.platform.chats.dialog(userId)
    const rita = stage.person(userId)
    rita.start()
    await rita.hears('Здравствуйте')
    const code = await codeOf(await login())
    await stage.admin.end('SIGKILL')
    rita.write(`/link ${code}`)
    await rita.hears('недоступны')
    await stage.admin.start()
    await vi.waitFor(
      async () => {
        const before = rita.heard().length
        rita.write(`/link ${code}`)
        await rita.hears('Готово: теперь вы', undefined, before)
      },
      { timeout: 30_000 },
    )
    expect(await stage.user(userId)).toMatchObject({ username: 'user' })
  })

  test('a member sees a task of others without buttons to change it, and an old button is refused', async () => {
    await stage.create('foreign', { status: 'created', metadata: { title: 'Не моя' } }, borisId)
    const before = anna.heard().length
    anna.write('/tasks все')
    await anna.hears('Не моя', undefined, before)
    anna.press('Не моя')
    const card = await anna.hears(/^Не моя · новая/u, undefined, before)
    expect(card.buttons.map(({ text }) => text)).toEqual(['История', 'К списку'])
    const user = stage.platform.people.view(ANNA)
    const callback = { callback_id: 'long-ago', timestamp: Date.now(), user }
    stage.platform.updates.publish('message_callback', anna.dialog(), {
      callback: { ...callback, payload: 'do:take:foreign' },
    })
    await anna.hears('может менять её автор, исполнитель или руководитель')
    expect((await stage.task('foreign')).status).toBe('created')
  })

  test('who is switched off is told so', async () => {
    await stage.changeUser(annaId, { active: false })
    // What was said of a person a moment ago is still believed.
    await new Promise((later) => setTimeout(later, 1000))
    const before = anna.heard().length
    anna.write('/help')
    await anna.hears('Ваша учётная запись отключена', undefined, before)
    await stage.changeUser(annaId, { active: true })
    await new Promise((later) => setTimeout(later, 1000))
    anna.write('/help')
    const help = await anna.hears('Что я умею', undefined, before)
    expect(help.edited).toBe(false)
  })
})

describe('groups', () => {
  test('the bot listens when it is meant, and only then', async () => {
    const { platform } = stage
    const { chatId } = platform.groups.create({
      title: 'Команда',
      ownerId: BORIS,
      memberIds: [ANNA],
      type: 'chat',
    })
    platform.groups.addBot(chatId, ['read_all_messages'])
    await boris.hears('Чтобы завести задачу в этом чате', chatId)
    boris.write('Просто разговор', chatId)
    boris.write('/new Задача группы', chatId)
    await boris.hears('Задача группы · новая', chatId)
    expect(boris.heard(chatId).some(({ text }) => text.includes('Просто разговор'))).toBe(false)
    const card = boris.heard(chatId).at(-1)
    platform.press(ANNA, { text: 'Начать', chatId, mid: card?.mid })
    await boris.hears('может менять её автор', chatId)
    platform.press(BORIS, { text: 'Начать', chatId })
    await boris.hears('Задача группы · в работе', chatId)
    boris.write(`@${platform.bot.username} Упомянутая задача до завтра`, chatId)
    await boris.hears('Завести задачу «Упомянутая задача до завтра»?', chatId)
    expect((await stage.tasks()).at(-1)?.metadata).toMatchObject({ source: { chatId } })
  })
})
