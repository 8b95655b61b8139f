import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ANNA, BORIS, type Person } from './person.ts'
import { setStage, type Stage } from './stage.ts'

let stage: Stage
let anna: Person
let boris: Person

beforeAll(async () => {
  stage = await setStage()
  anna = stage.person(ANNA)
  boris = stage.person(BORIS)
}, 60_000)
afterAll(() => stage.close())

const lastTask = async () => {
  const task = (await stage.tasks()).at(-1)
  if (task === undefined) throw new Error('no task')
  return task
}

describe('the main job in a chat', () => {
  test('a person starts the bot, is greeted by name, registered and shown the menu', async () => {
    anna.start()
    boris.start()
    const greeting = await anna.hears('Здравствуйте, Анна')
    expect(greeting.buttons.map(({ text }) => text)).toContain('Новая задача')
    await boris.hears('Здравствуйте, Борис')
    expect(await stage.user(ANNA)).toMatchObject({
      username: `max${ANNA}`,
      roles: ['member'],
      maxUserId: ANNA,
    })
  })

  test('a task in one line is created as it was meant and its card is shown', async () => {
    anna.write('/new Подготовить отчёт !высокий @Борис до завтра 18:00 #q4')
    const card = await anna.hears('Задача создана')
    expect(card.text).toContain('Подготовить отчёт · новая')
    expect(card.text).toContain('Приоритет: высокий')
    expect(card.text).toContain('Срок: завтра, 18:00')
    expect(card.text).toContain('Исполнитель: Борис')
    const { metadata, createdBy } = await lastTask()
    const [author, assignee] = await Promise.all([stage.user(ANNA), stage.user(BORIS)])
    expect(createdBy).toBe(`user:${author.id}`)
    expect(metadata).toMatchObject({
      title: 'Подготовить отчёт',
      priority: 'high',
      assignee: assignee.id,
      tags: ['q4'],
      source: { chatId: anna.dialog() },
    })
  })

  test('the assignee is told, with the card; the author is not', async () => {
    const notice = await boris.hears('Вам поручена задача. От кого: Анна')
    expect(notice.buttons.map(({ text }) => text)).toEqual([
      'Взять',
      'Начать',
      'Не вышло',
      'История',
      'К списку',
    ])
    expect(anna.heard().filter(({ text }) => text.includes('поручена'))).toEqual([])
  })

  test('a press changes the task and the card in place; the author is told and their card follows', async () => {
    const before = boris.heard().length
    boris.press('Начать')
    const card = await boris.hears('в работе')
    expect(boris.heard()).toHaveLength(before)
    expect(card.edited).toBe(true)
    await anna.hears('Ваша задача теперь в работе. Кто изменил: Борис')
    const first = anna.heard().find(({ text }) => text.includes('Подготовить отчёт'))
    expect(first?.text).toContain('в работе')
    boris.press('Готово')
    await boris.hears('готова')
    await anna.hears('Ваша задача теперь готова')
    const { entityId } = await lastTask()
    const history = await stage.history(entityId)
    expect(history.map(({ newStatus }) => newStatus)).toEqual([
      'created',
      'in_progress',
      'completed',
    ])
    expect(new Set(history.map(({ correlationId }) => correlationId)).size).toBe(3)
  })

  test('the history says who did what', async () => {
    boris.press('История')
    const history = await boris.hears('История:')
    expect(history.text).toMatch(/готова · вы\n.*в работе · вы\n.*создана · Анна/u)
    boris.press('Назад')
    await boris.hears(/^Подготовить отчёт · готова/u)
  })
})

describe('a failure', () => {
  test('is asked for its reason, told to the author with it, and can be reopened', async () => {
    anna.write('/new Починить принтер @Борис')
    await boris.hears('Починить принтер')
    boris.press('Не вышло')
    await boris.hears('Что помешало?')
    boris.write('Нет картриджа <b>& совсем</b>')
    await boris.hears('Записал')
    const notice = await anna.hears('Задача не вышла. Кто отметил: Борис')
    expect(notice.text).toContain('Причина: Нет картриджа <b>& совсем</b>')
    expect(await lastTask()).toMatchObject({
      status: 'failed',
      reason: 'Нет картриджа <b>& совсем</b>',
    })
    const card = boris.heard().find(({ text }) => text.startsWith('Вам поручена'))
    expect(card).toBeUndefined()
    anna.press('Переоткрыть')
    await anna.hears('Починить принтер · новая')
  })

  test('without a reason is possible too, and turning away forgets the question', async () => {
    anna.write('/new Сварить кофе')
    await anna.hears('Сварить кофе')
    anna.press('Начать')
    await anna.hears('Сварить кофе · в работе')
    anna.press('Не вышло')
    await anna.hears('Что помешало? Напишите причину: «Сварить кофе»')
    anna.press('Новая задача', { mid: anna.heard()[0]?.mid ?? '' })
    await anna.hears('Что нужно сделать?')
    anna.press('Отмена', { mid: anna.heard()[0]?.mid ?? '' })
    await anna.hears('ничего не делаю')
    anna.press('Не вышло')
    const asked = anna.heard().length
    await anna.hears('Что помешало?', undefined, asked)
    anna.press('Пропустить')
    await anna.hears('Сварить кофе · не вышла')
    expect(await lastTask()).toMatchObject({ status: 'failed', reason: 'причина не указана' })
  })
})

describe('creating step by step', () => {
  test('asks for title, priority, deadline and assignee, each by button or by text', async () => {
    const start = anna.heard().length
    anna.write('/new')
    await anna.hears('Что нужно сделать?', undefined, start)
    anna.write('Заказать пиццу')
    await anna.hears('Какой приоритет?', undefined, start)
    anna.press('срочный')
    await anna.hears('К какому сроку?', undefined, start)
    anna.write('вчера утром')
    await anna.hears('Не понял срок', undefined, start)
    anna.write('01.01.2020')
    await anna.hears('уже прошёл', undefined, start)
    anna.write('через 2 часа')
    await anna.hears('Кто сделает?', undefined, start)
    anna.write('Никто Неизвестный')
    await anna.hears('Не нашёл человека', undefined, start)
    anna.press('Я')
    await anna.hears('Задача создана', undefined, start)
    const { metadata } = await lastTask()
    expect(metadata).toMatchObject({
      title: 'Заказать пиццу',
      priority: 'urgent',
      assignee: (await stage.user(ANNA)).id,
    })
    const due = Date.parse(String(metadata['dueAt'])) - Date.now()
    expect(Math.abs(due - 2 * 3_600_000)).toBeLessThan(60_000)
  })

  test('what a line without a title says is not asked for again', async () => {
    const start = anna.heard().length
    anna.write('/new !высокий #срочное @Борис')
    await anna.hears('Что нужно сделать?', undefined, start)
    anna.write('Позвонить в банк')
    await anna.hears('К какому сроку?', undefined, start)
    anna.press('Пропустить')
    await anna.hears('Позвонить в банк · новая', undefined, start)
    expect((await lastTask()).metadata).toMatchObject({
      title: 'Позвонить в банк',
      priority: 'high',
      tags: ['срочное'],
      assignee: (await stage.user(BORIS)).id,
    })
  })

  test('each step can be skipped, and everything at once', async () => {
    const start = anna.heard().length
    anna.press('Новая задача', { mid: anna.heard()[0]?.mid ?? '' })
    await anna.hears('Что нужно сделать?')
    anna.write('Полить цветы')
    await anna.hears('Какой приоритет?', undefined, start)
    anna.press('Пропустить')
    await anna.hears('К какому сроку?', undefined, start)
    anna.press('Создать сразу')
    await anna.hears('Полить цветы · новая', undefined, start)
    expect((await lastTask()).metadata).toMatchObject({ title: 'Полить цветы' })
  })

  test('even the title', async () => {
    const start = anna.heard().length
    anna.write('/new')
    await anna.hears('Что нужно сделать?', undefined, start)
    anna.press('Без названия')
    await anna.hears('Какой приоритет?', undefined, start)
    anna.press('Создать сразу')
    await anna.hears('Задача без названия · новая', undefined, start)
    expect((await lastTask()).metadata).toMatchObject({ title: 'Задача без названия' })
  })

  test('/cancel ends it anywhere', async () => {
    const start = anna.heard().length
    anna.write('/new')
    await anna.hears('Что нужно сделать?', undefined, start)
    anna.write('/cancel')
    await anna.hears('ничего не делаю', undefined, start)
    anna.write('/cancel')
    const nothing = await anna.hears('Отменять нечего', undefined, start)
    expect(nothing.buttons.map(({ text }) => text)).toContain('Новая задача')
  })

  test('a deadline that is over and an unknown person are asked for, not guessed', async () => {
    const start = anna.heard().length
    anna.write('/new Отчёт за прошлый год до 01.01.2020')
    await anna.hears('уже прошёл', undefined, start)
    anna.press('Завтра')
    await anna.hears('Отчёт за прошлый год · новая', undefined, start)
    anna.write('/new Задача для @Неизвестного')
    await anna.hears('Не нашёл человека', undefined, start)
    anna.press('Пропустить')
    await anna.hears('Задача для · новая', undefined, start)
    expect((await lastTask()).metadata).not.toHaveProperty('assignee')
  })
})

describe('lists and everything else', () => {
  test('lists have filters and open cards', async () => {
    const start = anna.heard().length
    anna.write('/tasks')
    await anna.hears('Мои', undefined, start)
    anna.press('Заказать пиццу')
    await anna.hears('Заказать пиццу · новая', undefined, start)
    anna.press('К списку')
    await anna.hears(/^Мои/u, undefined, start)
    anna.press('Все')
    await anna.hears(/^Все/u, undefined, start)
    anna.write('/tasks готовые')
    await anna.hears('Подготовить отчёт · готова', undefined, start)
    anna.write('/tasks какие-нибудь')
    const refusal = await anna.hears('Не знаю такого списка', undefined, start)
    expect(refusal.text).toContain('«какие-нибудь»')
  })

  test('a text is offered as a task, markup and all', async () => {
    const start = anna.heard().length
    anna.write('Купить <b>хлеб</b> & молоко')
    const offer = await anna.hears('Завести задачу', undefined, start)
    expect(offer.text).toBe('Завести задачу «Купить <b>хлеб</b> & молоко»?')
    anna.press('Завести задачу')
    await anna.hears('Купить <b>хлеб</b> & молоко · новая', undefined, start)
    anna.write('Ничего особенного')
    await anna.hears('Завести задачу «Ничего', undefined, start)
    anna.press('Не нужно')
    await anna.hears('не завожу', undefined, start)
  })

  test('presence, team and results', async () => {
    const start = anna.heard().length
    anna.write('/status busy')
    await anna.hears('Ваш статус: не беспокоить', undefined, start)
    anna.write('/status')
    await anna.hears('Ваш статус сейчас: не беспокоить', undefined, start)
    anna.write('/status летаю')
    await anna.hears('online, busy или offline', undefined, start)
    anna.write('/team')
    const team = await anna.hears('Команда', undefined, start)
    expect(team.text).toContain('Анна')
    expect(team.text).not.toContain('Борис')
    anna.write('/stats')
    await anna.hears('Ваши задачи', undefined, start)
  })

  test('settings: notifications, quiet hours, language and time zone', async () => {
    const start = boris.heard().length
    boris.write('/settings')
    await boris.hears('Уведомления: включены', undefined, start)
    boris.press('Тихие часы')
    await boris.hears('С какого и до какого часа', undefined, start)
    boris.write('с десяти до восьми')
    await boris.hears('Не понял', undefined, start)
    boris.write('с 22 до 8')
    await boris.hears('Тихие часы: 22:00–08:00', undefined, start)
    boris.press('Без тихих часов')
    await boris.hears('Тихие часы: нет', undefined, start)
    boris.press('Часовой пояс')
    await boris.hears('Выберите часовой пояс', undefined, start)
    boris.write('Луна')
    await boris.hears('Не знаю такого', undefined, start)
    boris.write('Asia/Omsk')
    await boris.hears('Часовой пояс: Asia/Omsk', undefined, start)
    expect((await stage.user(BORIS)).timeZone).toBe('Asia/Omsk')
    boris.press('English')
    await boris.hears('Notifications: on', undefined, start)
    boris.press('Русский')
    await boris.hears('Уведомления: включены', undefined, start)
    boris.press('Выключить уведомления')
    await boris.hears('Уведомления: выключены', undefined, start)
    boris.press('Включить уведомления')
    await boris.hears('Уведомления: включены', undefined, start)
  })

  test('attachments, unknown commands, old buttons and help', async () => {
    const start = anna.heard().length
    for (const emptyText of ['absent', 'empty', 'null'] as const) {
      stage.platform.writing.write(ANNA, {
        emptyText,
        attachments: [{ type: 'location', latitude: 55, longitude: 37 }],
      })
    }
    await anna.hears('Я понимаю только текст', undefined, start)
    anna.write('/неведомое')
    await anna.hears('Не знаю команды /неведомое', undefined, start)
    anna.write('/HELP')
    const help = await anna.hears(/^Что я умею/u, undefined, start)
    expect(help.text).toContain('/new Подготовить отчёт')
  })
})
