import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ANNA, BORIS, type Person } from './person.ts'
import { setStage, type Stage } from './stage.ts'

let stage: Stage
let anna: Person
let boris: Person

beforeAll(async () => {
  stage = await setStage({ limits: { platformTimeoutMs: 400 } })
  anna = stage.person(ANNA)
  boris = stage.person(BORIS)
  anna.start()
  boris.start()
  await anna.hears('Здравствуйте')
  await boris.hears('Здравствуйте')
}, 60_000)
afterAll(() => stage.close())

const titles = async (): Promise<string[]> =>
  (await stage.tasks()).map(({ metadata }) => String(metadata['title']))

const countOf = (list: readonly string[], wanted: string): number =>
  list.filter((one) => one === wanted).length

describe('when the platform fails', () => {
  const faults = [
    ['answers 500', { effect: 'status', status: 500, times: 2 }],
    ['answers with an HTML page', { effect: 'html', status: 502 }],
    ['says that we are too quick', { effect: 'status', status: 429, retryAfterSeconds: 1 }],
    ['does not answer', { effect: 'hang' }],
    ['takes the message but its answer is lost', { effect: 'lose-reply' }],
  ] as const
  test.each(faults)('%s: the reply comes, once', async (what, fault) => {
    stage.platform.faults.arm({ method: 'POST', path: '/messages', ...fault })
    const title = `Задача: платформа ${what}`
    anna.write(`/new ${title}`)
    await anna.hears(title)
    const before = anna.heard().length
    anna.write('/help')
    await anna.hears('Что я умею', undefined, before)
    const cards = anna.heard().filter(({ text }) => text.includes(`${title} ·`))
    expect(cards).toHaveLength(1)
    expect(countOf(await titles(), title)).toBe(1)
  })

  test('a burst of 429 over several chats: every reply comes, once and in order', async () => {
    stage.platform.faults.arm({ path: '/messages', effect: 'status', status: 429, times: 4 })
    const [mine, other] = [anna.heard().length, boris.heard().length]
    for (const step of [1, 2, 3]) {
      anna.write(`Всплеск ${step}`)
      boris.write(`Всплеск ${step}`)
    }
    await anna.hears('«Всплеск 3»', undefined, mine)
    await boris.hears('«Всплеск 3»', undefined, other)
    const offers = ['«Всплеск 1»', '«Всплеск 2»', '«Всплеск 3»'].map(
      (what) => `Завести задачу ${what}?`,
    )
    expect(
      anna
        .heard()
        .slice(mine)
        .map(({ text }) => text),
    ).toEqual(offers)
    expect(
      boris
        .heard()
        .slice(other)
        .map(({ text }) => text),
    ).toEqual(offers)
    expect(stage.platform.faults.api).toHaveLength(0)
  })

  test('an edit that is refused becomes a new message', async () => {
    stage.platform.faults.arm({ method: 'POST', path: '/answers', effect: 'unsuccessful' })
    stage.platform.faults.arm({ method: 'PUT', path: '/messages', effect: 'status', status: 404 })
    anna.write('/menu')
    await anna.hears('Что сделаем?')
    const before = anna.heard().length
    anna.press('Помощь')
    const help = await anna.hears('Что я умею', undefined, before)
    expect(help.edited).toBe(false)
  })

  test('an edit that is refused becomes one new message, though the answer to that is lost', async () => {
    const start = anna.heard().length
    anna.write('/menu')
    const menu = await anna.hears('Что сделаем?', undefined, start)
    stage.platform.faults.arm({ method: 'POST', path: '/answers', effect: 'unsuccessful' })
    stage.platform.faults.arm({ method: 'PUT', path: '/messages', effect: 'status', status: 404 })
    stage.platform.faults.arm({ method: 'POST', path: '/messages', effect: 'lose-reply' })
    anna.press('Помощь', { mid: menu.mid })
    await anna.hears('Что я умею', undefined, start)
    anna.write('/menu')
    await anna.hears('Что сделаем?', undefined, start + 1)
    const said = anna.heard().slice(start)
    expect(said.map(({ text }) => text.split('\n')[0])).toEqual([
      expect.stringContaining('Что сделаем?'),
      expect.stringContaining('Что я умею'),
      expect.stringContaining('Что сделаем?'),
    ])
  })

  test('a lost answer and then a limit: the message comes once', async () => {
    stage.platform.faults.arm({ method: 'POST', path: '/messages', effect: 'lose-reply' })
    stage.platform.faults.arm({ method: 'GET', path: '/messages', effect: 'status', status: 429 })
    const before = anna.heard().length
    anna.write('/help')
    await anna.hears('Что я умею', undefined, before)
    anna.write('/menu')
    await anna.hears('Что сделаем?', undefined, before)
    expect(anna.heard().slice(before)).toHaveLength(2)
    expect(stage.platform.faults.api).toHaveLength(0)
  })

  test('a chat that fails delays no other', async () => {
    stage.platform.faults.arm({ method: 'POST', path: '/messages', effect: 'hang', times: 1 })
    const [mine, other] = [anna.heard().length, boris.heard().length]
    anna.write('/help')
    await vi.waitFor(() => expect(stage.platform.faults.api).toHaveLength(0))
    boris.write('/help')
    const prompt = await boris.hears('Что я умею', undefined, other)
    const late = await anna.hears('Что я умею', undefined, mine)
    expect(prompt.at).toBeLessThan(late.at)
  })
})

describe('when updates come strangely', () => {
  test('three times: they are worked once', async () => {
    stage.platform.faults.setDelivery({ duplicates: 2 })
    anna.write('/new Повторённая задача')
    await anna.hears('Повторённая задача')
    anna.press('Начать')
    await anna.hears('Повторённая задача · в работе')
    stage.platform.faults.setDelivery({ duplicates: 0 })
    expect(countOf(await titles(), 'Повторённая задача')).toBe(1)
    const cards = anna.heard().filter(({ text }) => text.includes('Повторённая задача'))
    expect(cards).toHaveLength(1)
  })

  test('in another order: none is lost', async () => {
    stage.platform.faults.setDelivery({ reorder: true })
    const wanted = [1, 2, 3, 4].map((step) => `Не по порядку ${step}`)
    for (const title of wanted) anna.write(`/new ${title}`)
    for (const title of wanted) await anna.hears(title)
    stage.platform.faults.setDelivery({ reorder: false })
    for (const title of wanted) expect(countOf(await titles(), title)).toBe(1)
  })

  test('cut inside a character: the text is whole', async () => {
    stage.platform.faults.setDelivery({ splitUtf8: true })
    anna.write('/new Ёлка 🎄 до завтра')
    await anna.hears('Ёлка 🎄')
    stage.platform.faults.setDelivery({ splitUtf8: false })
    expect(await titles()).toContain('Ёлка 🎄')
  })

  test.each(['absent', 'null', 'without-chat'] as const)(
    'a press whose message is %s has its effect',
    async (callbackMessage) => {
      anna.write(`/new Нажатие ${callbackMessage}`)
      await anna.hears(`Нажатие ${callbackMessage}`)
      stage.platform.faults.setDelivery({ callbackMessage })
      anna.press('Начать')
      await anna.hears(`Нажатие ${callbackMessage} · в работе`)
      stage.platform.faults.setDelivery({ callbackMessage: 'full' })
      const task = (await stage.tasks()).at(-1)
      expect(task?.status).toBe('in_progress')
    },
  )

  test('with one callback id for all presses of a keyboard: each press has its effect', async () => {
    stage.platform.faults.setDelivery({ callbackId: 'per-keyboard' })
    anna.write('/new Одна клавиатура')
    await anna.hears('Одна клавиатура')
    anna.press('Начать')
    await anna.hears('Одна клавиатура · в работе')
    anna.press('Отложить')
    await anna.hears('Одна клавиатура · ждёт начала')
    anna.press('Начать')
    await anna.hears('Одна клавиатура · в работе')
    stage.platform.faults.setDelivery({ callbackId: 'per-press' })
    const id = (await stage.tasks()).at(-1)?.entityId ?? ''
    expect(await stage.history(id)).toHaveLength(4)
  })

  test('updates of every other type, and broken ones, are taken and let go', async () => {
    const { platform } = stage
    const chat_id = anna.dialog()
    const user = { user_id: ANNA, first_name: 'Анна', is_bot: false, last_activity_time: 0 }
    const at = { timestamp: Date.now(), chat_id, user }
    const before = anna.heard().length
    for (const update of [
      { update_type: 'dialog_muted', ...at, muted_until: 1 },
      { update_type: 'bot_admin_permissions_changed', ...at, is_admin: true },
      { update_type: 'something_new', timestamp: 1, whatever: [1, 2] },
      { update_type: 'message_created', timestamp: 1 },
      { update_type: 'message_callback', timestamp: 1, callback: { callback_id: '' } },
      { update_type: 'message_created', timestamp: 2, message: { recipient: {}, body: {} } },
    ]) {
      const response = await fetch(`${stage.gateway.url()}/api/v1/bot/webhook`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-max-bot-api-secret': 'stage-secret' },
        body: JSON.stringify(update),
      })
      expect(response.status).toBe(200)
    }
    anna.write('/help')
    await anna.hears('Что я умею', undefined, before)
    expect(platform.messages.inChat(chat_id).at(-1)?.senderId).toBe(platform.bot.userId)
  })

  test('without the secret they are refused', async () => {
    for (const secret of [undefined, 'wrong', '']) {
      const response = await fetch(`${stage.gateway.url()}/api/v1/bot/webhook`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(secret === undefined ? {} : { 'x-max-bot-api-secret': secret }),
        },
        body: '{"update_type":"message_created"}',
      })
      expect(response.status).toBe(401)
      expect(await response.json()).toMatchObject({ code: 'BOT_SECRET_WRONG' })
    }
  })

  test('when the subscription is lost it is made again', async () => {
    stage.platform.subscriptions.clear()
    await vi.waitFor(() => expect(stage.platform.subscriptions.list()).toHaveLength(1))
    const before = anna.heard().length
    anna.write('/help')
    await anna.hears('Что я умею', undefined, before)
    expect(stage.platform.subscriptions.list()[0]?.url).toContain('/api/v1/bot/webhook')
  })
})

describe('when a service of ours is away', () => {
  test('a typed task is kept, and created when the state service is back, with a second message', async () => {
    await stage.state.end('SIGKILL')
    anna.write('/new Отложенная задача !срочно')
    await anna.hears('Я запомнил задачу «Отложенная задача»')
    const before = anna.heard().length
    anna.write('/tasks')
    await anna.hears('Сервис задач сейчас недоступен', undefined, before)
    anna.write('/help')
    await anna.hears('Что я умею', undefined, before)
    await stage.state.start()
    await anna.hears('Задача создана\n\nОтложенная задача · новая')
    expect(countOf(await titles(), 'Отложенная задача')).toBe(1)
    const kept = anna.heard().filter(({ text }) => text.includes('Я запомнил задачу'))
    expect(kept).toHaveLength(1)
  })

  test('who is known is served while the admin service is away; who is new waits and is answered', async () => {
    const { userId } = stage.platform.people.add({ firstName: 'Вера' })
    stage.platform.chats.dialog(userId)
    const vera = stage.person(userId)
    await stage.admin.end('SIGKILL')
    anna.write('/new Без людей')
    await anna.hears('Без людей')
    vera.start()
    await vera.hears('сервис людей недоступен')
    await stage.admin.start()
    await vera.hears('Здравствуйте, Вера')
    const excuses = vera.heard().filter(({ text }) => text.includes('недоступен'))
    expect(excuses).toHaveLength(1)
  })

  const restart = async (): Promise<void> => {
    await stage.gateway.down()
    await stage.gateway.up()
  }

  test('a restart in the middle of a new task forgets nothing', async () => {
    const start = anna.heard().length
    anna.write('/new')
    await anna.hears('Что нужно сделать?', undefined, start)
    await restart()
    anna.write('Пережить перезапуск')
    await anna.hears('Какой приоритет?', undefined, start)
    await restart()
    anna.press('высокий')
    await anna.hears('К какому сроку?', undefined, start)
    await restart()
    anna.write('завтра')
    await anna.hears('Кто сделает?', undefined, start)
    await restart()
    anna.press('Я')
    await anna.hears('Пережить перезапуск · новая', undefined, start)
    expect((await stage.tasks()).at(-1)?.metadata).toMatchObject({
      title: 'Пережить перезапуск',
      priority: 'high',
    })
  })

  test('nor does one in the middle of any other conversation', async () => {
    const start = anna.heard().length
    anna.write('Прочный текст')
    await anna.hears('Завести задачу «Прочный текст»', undefined, start)
    await restart()
    anna.press('Завести задачу')
    await anna.hears('Прочный текст · новая', undefined, start)
    anna.press('Не вышло')
    await anna.hears('Что помешало?', undefined, start)
    await restart()
    anna.write('Перезапуск')
    await anna.hears('Прочный текст · не вышла', undefined, start)
    anna.write('/settings')
    await anna.hears('Уведомления: включены', undefined, start)
    anna.press('Тихие часы')
    await anna.hears('С какого и до какого часа', undefined, start)
    await restart()
    anna.write('с 23 до 7')
    await anna.hears('Тихие часы: 23:00–07:00', undefined, start)
    anna.press('Часовой пояс')
    await anna.hears('Выберите часовой пояс', undefined, start)
    await restart()
    anna.write('Asia/Omsk')
    await anna.hears('Часовой пояс: Asia/Omsk', undefined, start)
    anna.write('/link')
    await anna.hears('Возьмите код', undefined, start)
    await restart()
    anna.write('000000')
    await anna.hears('Код не подошёл', undefined, start)
    expect(countOf(await titles(), 'Прочный текст')).toBe(1)
  })
})
