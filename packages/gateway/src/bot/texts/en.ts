import { pluralIn } from './plural.ts'
import type { Texts } from './ru.ts'

const plural = pluralIn('en')

/** Everything the bot says in English. */
export const en: Texts = {
  locale: 'en',
  tasks: (count) => plural(count, { one: 'task', other: 'tasks' }),
  statuses: {
    created: 'new',
    pending: 'waiting',
    in_progress: 'in progress',
    completed: 'done',
    failed: 'failed',
  },
  priorities: { low: 'low', normal: 'normal', high: 'high', urgent: 'urgent' },
  presences: { online: 'available', busy: 'busy', offline: 'away' },
  days: { today: 'today', tomorrow: 'tomorrow', yesterday: 'yesterday' },
  greeting: (nameHtml) =>
    `Hello, ${nameHtml}! I help your team keep track of its tasks.\n\n` +
    'Write what needs to be done, and I will offer to make it a task. Or choose:',
  menu: 'What would you like to do?',
  help:
    '<b>What I can do</b>\n' +
    '/new Prepare the report — a task in one line. You may add:\n' +
    '  !high — priority\n' +
    '  @name — who does it\n' +
    '  by tomorrow 18:00 — deadline\n' +
    '  #tag — a tag\n' +
    '/tasks — your tasks, /tasks all — everybody’s\n' +
    '/status online, busy or offline — whether you are there\n' +
    '/team — the team, /stats — results\n' +
    '/settings — notifications, quiet hours, language, time zone\n' +
    '/link 123456 — link your account\n' +
    '/cancel — stop what you started\n\n' +
    'All of it is on buttons too.',
  addedToChat:
    'Hello! To make a task in this chat, mention me: “@bot Prepare the report by Friday”, or write /new.',
  buttons: {
    newTask: 'New task',
    mine: 'My tasks',
    all: 'All tasks',
    team: 'Team',
    stats: 'Results',
    presence: 'My status',
    settings: 'Settings',
    help: 'Help',
    menu: 'Menu',
    back: 'Back',
    cancel: 'Cancel',
    skip: 'Skip',
    createNow: 'Create now',
    makeTask: 'Make a task',
    notNow: 'No, thanks',
    previous: '‹ Back',
    next: 'More ›',
    history: 'History',
    list: 'To the list',
    open: 'Open',
  },
  filters: { mine: 'Mine', created: 'By me', all: 'All' },
  lists: {
    created: 'New',
    pending: 'Waiting',
    in_progress: 'In progress',
    completed: 'Done',
    failed: 'Failed',
  },
  actions: {
    take: 'Take',
    start: 'Start',
    done: 'Done',
    fail: 'Failed',
    postpone: 'Postpone',
    reopen: 'Reopen',
  },
  card: {
    due: (text, late) => `Deadline: ${text}${late ? ' · <b>overdue</b>' : ''}`,
    priority: (text) => `Priority: ${text}`,
    assignee: (nameHtml) => `Assignee: ${nameHtml}`,
    nobody: 'Nobody has it yet',
    author: (nameHtml) => `Author: ${nameHtml}`,
    reason: (textHtml) => `Reason: ${textHtml}`,
    created: 'Task created',
    gone: 'This task is gone.',
  },
  someone: {
    you: 'you',
    system: 'the system',
    service: (name) => `service ${name}`,
    unknown: 'somebody',
  },
  list: {
    title: (filter) => `<b>${filter}</b>`,
    empty: 'Nothing here yet.',
    page: (page) => `Page ${page}`,
    unknownFilter: (textHtml) =>
      `I do not know the list “${textHtml}”. There are: mine, all, new, waiting, progress, done, failed.`,
  },
  history: {
    title: (titleHtml) => `<b>${titleHtml}</b>\nHistory:`,
    created: 'created',
    deleted: 'deleted',
    changed: 'changed',
    empty: 'No history.',
  },
  draft: {
    askTitle: 'What needs to be done? One phrase is enough.',
    askPriority: 'Which priority?',
    askDue: 'By when? Choose or write: “tomorrow 18:00”, “on Friday”, “25.11”, “in 2 hours”.',
    askAssignee: 'Who will do it? Choose or write a name.',
    title: (textHtml) => `New task: <b>${textHtml}</b>`,
    emptyTitle: 'It needs a title: what is to be done?',
    unknownPriority: 'I did not get the priority. Choose: low, normal, high or urgent.',
    unknownDue: 'I did not get the deadline. Try “tomorrow 18:00”, “on Friday”, “25.11”.',
    pastDue: (text) => `“${text}” is already over. Which deadline instead?`,
    unknownAssignee: (nameHtml) =>
      `I found nobody called “${nameHtml}”. Write it differently or choose.`,
    manyAssignees: (nameHtml) => `“${nameHtml}” fits several people. Whom do you mean?`,
    dues: { today: 'Today', tomorrow: 'Tomorrow', week: 'In a week' },
    untitled: 'No title',
    untitledTask: 'Untitled task',
    me: 'Me',
    gone: 'This draft is closed. You can start a new task.',
    foreign: 'Somebody else started this draft.',
  },
  cancelled: 'All right, nothing changed.',
  nothingToCancel: 'There is nothing to cancel.',
  offer: (textHtml) => `Make a task “${textHtml}”?`,
  offerGone: 'I do not remember this text any more. Please send it again.',
  offerDropped: 'All right, no task.',
  noText: 'I understand only text. Write what needs to be done.',
  unknownCommand: (textHtml) => `I do not know ${textHtml}. This is what I can do:`,
  askReason: (titleHtml) => `What went wrong? Write the reason: “${titleHtml}”.`,
  reasonSkipped: 'no reason given',
  noted: 'Noted. The card above is up to date.',
  refused: {
    notOwner: 'Only its author, its assignee or a manager may change this task.',
    transition: (status) => `Too late: the task is ${status} now.`,
    changed: 'The task has just changed. This is how it looks now.',
    inactive: 'Your account is switched off. Please ask an administrator.',
    managersOnly: 'This is for managers.',
    stale: 'This button is out of date. Here is the menu:',
  },
  down: {
    tasks: 'The task service is unavailable right now. Please try a little later.',
    kept: (titleHtml) =>
      `The task service is unavailable right now. I will keep the task “${titleHtml}” and create it as soon as the service is back.`,
    people:
      'I cannot find out who you are: the people service is away. I will keep your message and answer as soon as it is back.',
    lost: (titleHtml) => `I could not create the task “${titleHtml}”. Please send it again.`,
    broken: 'Something went wrong and I could not do it. We already know about it.',
  },
  presence: {
    ask: (status) => `Your status is: ${status}. What should I set?`,
    set: (status) => `Noted. Your status: ${status}.`,
    unknown: 'The status is online, busy or offline.',
    labels: { online: 'Available', busy: 'Busy', offline: 'Away' },
  },
  team: {
    title: '<b>Team</b>',
    empty: 'There is nobody in the team yet.',
    line: (nameHtml, presence, count, bar) => `${nameHtml} · ${presence}\n${bar} ${count}`,
    unassigned: (count) => `Unassigned: ${count}`,
  },
  stats: {
    own: '<b>Your tasks</b>',
    team: '<b>Tasks of the team</b>',
    line: (status, count, bar) => `${bar} ${status}: ${count}`,
    overdue: (count) => `Overdue: ${count}`,
    none: 'No tasks yet.',
  },
  settings: {
    title: '<b>Settings</b>',
    notifications: (on) => `Notifications: ${on ? 'on' : 'off'}`,
    quiet: (range) => `Quiet hours: ${range ?? 'none'}`,
    language: 'Language: English',
    timeZone: (zone, time) => `Time zone: ${zone} (it is ${time})`,
    buttons: {
      notificationsOn: 'Notifications on',
      notificationsOff: 'Notifications off',
      quiet: 'Quiet hours',
      quietOff: 'No quiet hours',
      language: 'Русский',
      timeZone: 'Time zone',
      link: 'Link an account',
    },
    askQuiet: 'When should I stay quiet? For example: 22:00–8:00.',
    unknownQuiet: 'I did not get that. For example: 22:00–8:00.',
    askTimeZone: 'Choose a time zone or write its name, such as Asia/Yekaterinburg.',
    unknownTimeZone: 'I do not know that time zone. For example: Europe/Moscow, Asia/Novosibirsk.',
    saved: 'Saved.',
    down: 'People’s data is unavailable right now. Please try a little later.',
  },
  link: {
    ask: 'Get a code in your account and send it: /link 123456.',
    done: (nameHtml) => `Done: you are ${nameHtml} now.`,
    wrong: 'That code is wrong, used or expired. Please get a new one in your account.',
    tooMany: 'Too many attempts. Please try again in a few minutes.',
  },
  notices: {
    assigned: (whoHtml) => `You were given a task by ${whoHtml}`,
    changed: (statusText, whoHtml) => `Your task is ${statusText} now. Changed by ${whoHtml}`,
    edited: (whoHtml) => `Your task was changed by ${whoHtml}`,
    failed: (whoHtml) => `A task failed. Noted by ${whoHtml}`,
    deleted: (titleHtml, whoHtml) => `The task “${titleHtml}” was deleted by ${whoHtml}`,
  },
}
