import type { Priority, PresenceStatus, TaskStatus } from '@potok/contracts/task'
import { pluralIn } from './plural.ts'

const plural = pluralIn('ru')
const tasks = (count: number): string =>
  plural(count, { one: 'задача', few: 'задачи', many: 'задач', other: 'задачи' })

const statuses: Record<TaskStatus, string> = {
  created: 'новая',
  pending: 'ждёт начала',
  in_progress: 'в работе',
  completed: 'готова',
  failed: 'не вышла',
}
const priorities: Record<Priority, string> = {
  low: 'низкий',
  normal: 'обычный',
  high: 'высокий',
  urgent: 'срочный',
}
const presences: Record<PresenceStatus, string> = {
  online: 'на месте',
  busy: 'не беспокоить',
  offline: 'не на месте',
}

/** Everything the bot says in Russian. Parameters are HTML already where their name ends in `Html`. */
export const ru = {
  locale: 'ru' as 'ru' | 'en',
  tasks,
  statuses,
  priorities,
  presences,
  days: { today: 'сегодня', tomorrow: 'завтра', yesterday: 'вчера' },
  greeting: (nameHtml: string): string =>
    `Здравствуйте, ${nameHtml}! Я помогаю команде не терять задачи.\n\n` +
    'Напишите, что нужно сделать, и я предложу завести задачу. Или выберите:',
  menu: 'Что сделаем?',
  help:
    '<b>Что я умею</b>\n' +
    '/new Подготовить отчёт — завести задачу одной строкой. Можно добавить:\n' +
    '  !высокий — приоритет\n' +
    '  @имя — исполнитель\n' +
    '  до завтра 18:00 — срок\n' +
    '  #тег — тег\n' +
    '/tasks — ваши задачи, /tasks все — все\n' +
    '/status online, busy или offline — на месте ли вы\n' +
    '/team — команда, /stats — итоги\n' +
    '/settings — уведомления, тихие часы, язык, часовой пояс\n' +
    '/link 123456 — связать с учётной записью\n' +
    '/cancel — прервать начатое\n\n' +
    'Всё это есть и на кнопках.',
  addedToChat:
    'Здравствуйте! Чтобы завести задачу в этом чате, упомяните меня: «@бот Подготовить отчёт до пятницы» или напишите /new.',
  buttons: {
    newTask: 'Новая задача',
    mine: 'Мои задачи',
    all: 'Все задачи',
    team: 'Команда',
    stats: 'Итоги',
    presence: 'Мой статус',
    settings: 'Настройки',
    help: 'Помощь',
    menu: 'Меню',
    back: 'Назад',
    cancel: 'Отмена',
    skip: 'Пропустить',
    createNow: 'Создать сразу',
    makeTask: 'Завести задачу',
    notNow: 'Не нужно',
    previous: '‹ Назад',
    next: 'Дальше ›',
    history: 'История',
    list: 'К списку',
    open: 'Открыть',
  },
  filters: {
    mine: 'Мои',
    created: 'От меня',
    all: 'Все',
  } as Record<'mine' | 'created' | 'all', string>,
  lists: {
    created: 'Новые',
    pending: 'Ждут',
    in_progress: 'В работе',
    completed: 'Готовые',
    failed: 'Не вышли',
  } as Record<TaskStatus, string>,
  actions: {
    take: 'Взять',
    start: 'Начать',
    done: 'Готово',
    fail: 'Не вышло',
    postpone: 'Отложить',
    reopen: 'Переоткрыть',
  },
  card: {
    due: (text: string, late: boolean): string =>
      `Срок: ${text}${late ? ' · <b>просрочено</b>' : ''}`,
    priority: (text: string): string => `Приоритет: ${text}`,
    assignee: (nameHtml: string): string => `Исполнитель: ${nameHtml}`,
    nobody: 'Исполнителя пока нет',
    author: (nameHtml: string): string => `Автор: ${nameHtml}`,
    reason: (textHtml: string): string => `Причина: ${textHtml}`,
    created: 'Задача создана',
    gone: 'Этой задачи больше нет.',
  },
  someone: {
    you: 'вы',
    system: 'система',
    service: (name: string): string => `сервис ${name}`,
    unknown: 'кто-то',
  },
  list: {
    title: (filter: string): string => `<b>${filter}</b>`,
    empty: 'Здесь пока пусто.',
    page: (page: number): string => `Страница ${page}`,
    unknownFilter: (textHtml: string): string =>
      `Не знаю такого списка: «${textHtml}». Есть: мои, все, новые, ждут, в работе, готовые, не вышли.`,
  },
  history: {
    title: (titleHtml: string): string => `<b>${titleHtml}</b>\nИстория:`,
    created: 'создана',
    deleted: 'удалена',
    changed: 'изменена',
    empty: 'История пуста.',
  },
  draft: {
    askTitle: 'Что нужно сделать? Напишите одной фразой.',
    askPriority: 'Какой приоритет?',
    askDue:
      'К какому сроку? Выберите или напишите: «завтра 18:00», «в пятницу», «25.11», «через 2 часа».',
    askAssignee: 'Кто сделает? Выберите или напишите имя.',
    title: (textHtml: string): string => `Новая задача: <b>${textHtml}</b>`,
    emptyTitle: 'Нужно название: что именно сделать?',
    unknownPriority: 'Не понял приоритет. Выберите кнопкой: низкий, обычный, высокий или срочный.',
    unknownDue:
      'Не понял срок. Попробуйте так: «завтра 18:00», «в пятницу», «25.11», «через 2 часа».',
    pastDue: (text: string): string => `Срок «${text}» уже прошёл. На какой поставить?`,
    unknownAssignee: (nameHtml: string): string =>
      `Не нашёл человека «${nameHtml}». Напишите иначе или выберите кнопкой.`,
    manyAssignees: (nameHtml: string): string => `«${nameHtml}» подходит нескольким. Кого выбрать?`,
    dues: { today: 'Сегодня', tomorrow: 'Завтра', week: 'Через неделю' },
    untitled: 'Без названия',
    untitledTask: 'Задача без названия',
    me: 'Я',
    gone: 'Этот черновик уже закрыт. Начать новую задачу можно кнопкой.',
    foreign: 'Этот черновик начал другой человек.',
  },
  cancelled: 'Хорошо, ничего не делаю.',
  nothingToCancel: 'Отменять нечего.',
  offer: (textHtml: string): string => `Завести задачу «${textHtml}»?`,
  offerGone: 'Я уже не помню этот текст. Пришлите его ещё раз, пожалуйста.',
  offerDropped: 'Хорошо, не завожу.',
  noText: 'Я понимаю только текст. Напишите, что нужно сделать.',
  unknownCommand: (textHtml: string): string => `Не знаю команды ${textHtml}. Вот что я умею:`,
  askReason: (titleHtml: string): string => `Что помешало? Напишите причину: «${titleHtml}».`,
  reasonSkipped: 'причина не указана',
  noted: 'Записал. Карточка выше обновлена.',
  refused: {
    notOwner: 'Эту задачу может менять её автор, исполнитель или руководитель.',
    transition: (status: string): string => `Уже не получится: задача сейчас — ${status}.`,
    changed: 'Задача только что изменилась. Вот как она выглядит сейчас.',
    inactive: 'Ваша учётная запись отключена. Напишите администратору, он может её включить.',
    managersOnly: 'Это доступно руководителям.',
    stale: 'Эта кнопка устарела. Вот меню:',
  },
  down: {
    tasks: 'Сервис задач сейчас недоступен. Попробуйте чуть позже.',
    kept: (titleHtml: string): string =>
      `Сервис задач сейчас недоступен. Я запомнил задачу «${titleHtml}» и создам её, как только он вернётся.`,
    people:
      'Не могу узнать, кто вы: сервис людей недоступен. Я запомнил ваше сообщение и отвечу, как только он вернётся.',
    lost: (titleHtml: string): string =>
      `Так и не получилось создать задачу «${titleHtml}». Пришлите её ещё раз, пожалуйста.`,
    broken: 'Что-то пошло не так, и я не смог это выполнить. Мы уже знаем об ошибке.',
  },
  presence: {
    ask: (status: string): string => `Ваш статус сейчас: ${status}. Как отметить?`,
    set: (status: string): string => `Отметил. Ваш статус: ${status}.`,
    unknown: 'Статус бывает online, busy или offline.',
    labels: { online: 'На месте', busy: 'Не беспокоить', offline: 'Не на месте' },
  },
  team: {
    title: '<b>Команда</b>',
    empty: 'В команде пока никого нет.',
    line: (nameHtml: string, presence: string, count: string, bar: string): string =>
      `${nameHtml} · ${presence}\n${bar} ${count}`,
    unassigned: (count: string): string => `Без исполнителя: ${count}`,
  },
  stats: {
    own: '<b>Ваши задачи</b>',
    team: '<b>Задачи команды</b>',
    line: (status: string, count: number, bar: string): string => `${bar} ${status}: ${count}`,
    overdue: (count: string): string => `Просрочено: ${count}`,
    none: 'Задач пока нет.',
  },
  settings: {
    title: '<b>Настройки</b>',
    notifications: (on: boolean): string => `Уведомления: ${on ? 'включены' : 'выключены'}`,
    quiet: (range: string | undefined): string => `Тихие часы: ${range ?? 'нет'}`,
    language: 'Язык: русский',
    timeZone: (zone: string, time: string): string => `Часовой пояс: ${zone} (сейчас ${time})`,
    buttons: {
      notificationsOn: 'Включить уведомления',
      notificationsOff: 'Выключить уведомления',
      quiet: 'Тихие часы',
      quietOff: 'Без тихих часов',
      language: 'English',
      timeZone: 'Часовой пояс',
      link: 'Связать аккаунт',
    },
    askQuiet: 'С какого и до какого часа не беспокоить? Например: 22:00–8:00.',
    unknownQuiet: 'Не понял. Напишите, например: 22:00–8:00.',
    askTimeZone: 'Выберите часовой пояс или напишите его имя, например Asia/Yekaterinburg.',
    unknownTimeZone: 'Не знаю такого часового пояса. Например: Europe/Moscow, Asia/Novosibirsk.',
    saved: 'Сохранил.',
    down: 'Данные о людях сейчас недоступны. Попробуйте чуть позже.',
  },
  link: {
    ask: 'Возьмите код в личном кабинете и пришлите его: /link 123456.',
    done: (nameHtml: string): string => `Готово: теперь вы ${nameHtml}.`,
    wrong:
      'Код не подошёл: он неверный, уже использован или истёк. Возьмите новый в личном кабинете.',
    tooMany: 'Слишком много попыток. Попробуйте через несколько минут.',
  },
  notices: {
    assigned: (whoHtml: string): string => `Вам поручена задача. От кого: ${whoHtml}`,
    changed: (statusText: string, whoHtml: string): string =>
      `Ваша задача теперь ${statusText}. Кто изменил: ${whoHtml}`,
    edited: (whoHtml: string): string => `В вашей задаче есть изменения. Кто изменил: ${whoHtml}`,
    failed: (whoHtml: string): string => `Задача не вышла. Кто отметил: ${whoHtml}`,
    deleted: (titleHtml: string, whoHtml: string): string =>
      `Задача «${titleHtml}» удалена. Кто удалил: ${whoHtml}`,
  },
}

/** The catalogue: what every language must say. */
export type Texts = typeof ru
