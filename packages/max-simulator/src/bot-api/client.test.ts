/** The real client library against the simulator: every method that a task bot uses. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createReadStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Api, Bot, Keyboard, MaxError } from '@maxhub/max-bot-api'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startSimulator, TOKEN, type RunningSimulator } from '../testing/simulator.ts'

const ANNA = 501_001_001
const BORIS = 501_001_002

let simulator: RunningSimulator
let api: Api

const clientOf = (token = TOKEN): Api =>
  new Bot(token, { clientOptions: { baseUrl: simulator.url } }).api

beforeEach(async () => {
  simulator = await startSimulator()
  api = clientOf()
})
afterEach(() => simulator.app.close())

const keyboard = Keyboard.inlineKeyboard([
  [Keyboard.button.callback('Начать', 'start:1'), Keyboard.button.message('Помощь')],
  [Keyboard.button.link('Открыть', 'https://example.com')],
])

describe('the bot itself', () => {
  test('it learns who it is and sets its commands', async () => {
    expect(await api.getMyInfo()).toMatchObject({ user_id: 229_229_229, is_bot: true })
    await api.setMyCommands([{ name: 'start', description: 'Начать' }, { name: 'help' }])
    expect((await api.getMyInfo()).commands).toEqual([
      { name: 'start', description: 'Начать' },
      { name: 'help' },
    ])
    await api.deleteMyCommands()
    expect(await api.getMyInfo()).not.toHaveProperty('commands')
  })

  test('a wrong token is refused', async () => {
    await expect(clientOf('wrong').getMyInfo()).rejects.toMatchObject({
      status: 401,
      code: 'verify.token',
    })
  })
})

describe('messages', () => {
  beforeEach(() => {
    simulator.platform.dialogs.start(ANNA)
  })

  test('it writes to a person and to a chat, and reads what it wrote', async () => {
    const first = await api.sendMessageToUser(ANNA, '**Привет**, мир 🙂', { format: 'markdown' })
    expect(first).toMatchObject({
      sender: { user_id: 229_229_229 },
      recipient: { chat_id: 229_229_229 ^ ANNA, chat_type: 'dialog', user_id: ANNA },
      body: { text: 'Привет, мир 🙂', markup: [{ type: 'strong', from: 0, length: 6 }] },
    })
    const chatId = first.recipient.chat_id ?? 0
    const second = await api.sendMessageToChat(chatId, 'ещё', {
      attachments: [keyboard],
      link: { type: 'reply', mid: first.body.mid },
    })
    expect(second.link).toMatchObject({ type: 'reply', message: { mid: first.body.mid } })
    expect(second.body.attachments).toEqual([keyboard])
    expect(await api.getMessage(second.body.mid)).toEqual(second)
    const { messages } = await api.getMessages(chatId)
    expect(messages.map(({ body }) => body.text)).toEqual(['ещё', 'Привет, мир 🙂'])
    const some = await api.getMessages(chatId, { message_ids: [first.body.mid] })
    expect(some.messages.map(({ body }) => body.mid)).toEqual([first.body.mid])
  })

  test('it edits: what is absent stays, what is empty goes', async () => {
    const { body } = await api.sendMessageToUser(ANNA, 'было', { attachments: [keyboard] })
    expect(await api.editMessage(body.mid, { text: 'стало' })).toEqual({ success: true })
    const edited = await api.getMessage(body.mid)
    expect(edited.body).toMatchObject({ text: 'стало', attachments: [keyboard] })
    await api.editMessage(body.mid, { attachments: [] })
    expect((await api.getMessage(body.mid)).body).toMatchObject({ text: 'стало' })
    expect((await api.getMessage(body.mid)).body.attachments).toBeUndefined()
    expect(await api.editMessage(body.mid, { text: '' })).toMatchObject({ success: false })
  })

  test('it deletes its own message, and then nobody knows it', async () => {
    const { body } = await api.sendMessageToUser(ANNA, 'прочь')
    expect(await api.deleteMessage(body.mid)).toEqual({ success: true })
    await expect(api.getMessage(body.mid)).rejects.toMatchObject({ status: 404 })
  })

  test('a person’s message in a dialog is not the bot’s to change', async () => {
    const { mid } = simulator.platform.writing.write(ANNA, { text: 'моё' })
    await expect(api.editMessage(mid, { text: 'твоё' })).rejects.toMatchObject({ status: 403 })
    await expect(api.deleteMessage(mid)).rejects.toMatchObject({ code: 'access.denied' })
  })

  test('an address in a text brings a preview unless it is not wanted', async () => {
    const seen = await api.sendMessageToUser(ANNA, 'см. https://example.com/a')
    expect(seen.body.attachments).toMatchObject([{ type: 'share' }])
    const plain = await api.sendMessageToUser(ANNA, 'см. https://example.com/a', {
      disable_link_preview: true,
    })
    expect(plain.body.attachments).toBeUndefined()
  })

  test('whoever never started the bot, or stopped it, cannot be written to', async () => {
    await expect(api.sendMessageToUser(BORIS, 'x')).rejects.toMatchObject({
      status: 403,
      code: 'chat.denied',
      description: 'error.dialog.notfound',
    })
    simulator.platform.dialogs.stop(ANNA)
    await expect(api.sendMessageToUser(ANNA, 'x')).rejects.toMatchObject({
      description: 'error.dialog.suspended',
    })
  })
})

describe('callbacks', () => {
  test('a press brings the whole message, the answer replaces it in place', async () => {
    const { platform } = simulator
    platform.dialogs.start(ANNA)
    const sent = await api.sendMessageToUser(ANNA, 'карточка', { attachments: [keyboard] })
    const { marker } = await api.getUpdates([], { timeout: 1 })
    platform.press(ANNA, { payload: 'start:1' })
    const { updates } = await api.getUpdates([], { marker })
    expect(updates).toMatchObject([
      {
        update_type: 'message_callback',
        user_locale: 'ru',
        callback: { payload: 'start:1', user: { user_id: ANNA, name: 'Анна Смирнова' } },
      },
    ])
    const [update] = updates
    if (update?.update_type !== 'message_callback') throw new Error('no callback')
    expect(update.message).toEqual({ ...sent, sender: expect.anything() })
    const id = update.callback.callback_id
    expect(
      await api.answerOnCallback(id, { message: { text: 'готово', attachments: [] } }),
    ).toEqual({ success: true })
    const after = await api.getMessage(sent.body.mid)
    expect(after.body).toEqual({ mid: sent.body.mid, seq: sent.body.seq, text: 'готово' })
    expect(await api.answerOnCallback(id)).toEqual({ success: true })
    await expect(api.answerOnCallback('unknown')).rejects.toMatchObject({ code: 'proto.payload' })
  })

  test('a button that speaks for the person writes its text', async () => {
    simulator.platform.dialogs.start(ANNA)
    await api.sendMessageToUser(ANNA, 'карточка', { attachments: [keyboard] })
    simulator.platform.press(ANNA, { text: 'Помощь' })
    const { updates } = await api.getUpdates(['message_created'])
    expect(updates).toMatchObject([{ message: { body: { text: 'Помощь' } } }])
  })
})

describe('subscriptions', () => {
  test('it subscribes, sees it, and unsubscribes', async () => {
    const url = 'https://bot.example.com/hook'
    expect(await api.subscribe(url, 'secret-1', ['message_created'])).toEqual({ success: true })
    expect(await api.getSubscriptions()).toEqual([
      { url, time: expect.any(Number), updateTypes: ['message_created'] },
    ])
    await api.subscribe(url, 'secret-2', ['bot_started'])
    expect(await api.getSubscriptions()).toMatchObject([{ updateTypes: ['bot_started'] }])
    expect(await api.unsubscribe(url)).toEqual({ success: true })
    expect(await api.unsubscribe(url)).toMatchObject({ success: false })
  })
})

describe('long polling', () => {
  test('a marker commits, and an update is seen once', async () => {
    const { platform } = simulator
    platform.dialogs.start(ANNA, 'invite_1')
    platform.writing.write(ANNA, { text: 'раз' })
    const first = await api.getUpdates()
    expect(first.updates).toMatchObject([
      { update_type: 'bot_started', payload: 'invite_1', user_locale: 'ru' },
      { update_type: 'message_created', message: { body: { text: 'раз' } } },
    ])
    expect(await api.getUpdates()).toEqual(first)
    platform.writing.write(ANNA, { text: 'два' })
    const second = await api.getUpdates([], { marker: first.marker })
    expect(second.updates).toMatchObject([{ message: { body: { text: 'два' } } }])
  })

  test('a waiting poll is answered by what happens, and only by its types', async () => {
    const { platform } = simulator
    const polled = api.getUpdates(['message_created'], { timeout: 20 })
    await vi.waitFor(() => expect(platform.eventLog.waiting).toBe(1))
    platform.dialogs.start(ANNA)
    platform.writing.write(ANNA, { text: 'проснись' })
    expect((await polled).updates).toMatchObject([{ message: { body: { text: 'проснись' } } }])
  })

  test('pages are bounded and follow each other', async () => {
    simulator.platform.dialogs.start(ANNA)
    for (let n = 0; n < 5; n += 1) simulator.platform.writing.write(ANNA, { text: `${n}` })
    const first = await api.getUpdates(['message_created'], { limit: 2 })
    const rest = await api.getUpdates(['message_created'], { marker: first.marker })
    expect([first.updates.length, rest.updates.length]).toEqual([2, 3])
  })

  test('beside a webhook there is nothing to poll, or it is refused', async () => {
    await api.subscribe('https://bot.example.com/hook', 'secret', ['message_callback'])
    simulator.platform.dialogs.start(ANNA)
    expect(await api.getUpdates([], { timeout: 1 })).toEqual({ updates: [] })
    simulator.platform.faults.setDelivery({ pollingWhileSubscribed: 'refused' })
    await expect(api.getUpdates()).rejects.toMatchObject({ status: 405 })
    await api.unsubscribe('https://bot.example.com/hook')
    simulator.platform.dialogs.stop(ANNA)
    expect((await api.getUpdates()).updates).toMatchObject([{ update_type: 'bot_stopped' }])
  })

  test('the library’s own polling loop works through', async () => {
    const bot = new Bot(TOKEN, { clientOptions: { baseUrl: simulator.url } })
    bot.on('bot_started', (context) => context.reply(`привет, ${context.startPayload}`))
    const running = bot.start({ mode: 'polling' })
    simulator.platform.dialogs.start(ANNA, 'x')
    await vi.waitFor(() => {
      const { chatId } = simulator.platform.chats.dialog(ANNA)
      expect(simulator.platform.messages.inChat(chatId)[0]?.content.text).toBe('привет, x')
    })
    bot.stopPolling()
    await running
  })
})

describe('chats', () => {
  test('a dialog is described as the platform does', async () => {
    const { chatId } = simulator.platform.dialogs.start(ANNA)
    expect(await api.getChat(chatId)).toMatchObject({
      chat_id: chatId,
      type: 'dialog',
      status: 'active',
      participants_count: 2,
      dialog_with_user: { user_id: ANNA },
    })
    expect(await api.sendAction(chatId, 'typing_on')).toEqual({ success: true })
    simulator.platform.dialogs.stop(ANNA)
    expect(await api.getChat(chatId)).toMatchObject({ status: 'suspended' })
    await expect(api.getChat(-1)).rejects.toMatchObject({ status: 404, code: 'chat.not.found' })
  })

  test('in a group it reads members, pins, renames and leaves, as far as its rights go', async () => {
    const { groups } = simulator.platform
    const { chatId } = groups.create({ title: 'Команда', ownerId: ANNA, memberIds: [BORIS] })
    await expect(api.sendMessageToChat(chatId, 'x')).rejects.toMatchObject({ status: 403 })
    groups.addBot(chatId, [])
    const { body } = await api.sendMessageToChat(chatId, 'закрепить')
    await expect(api.pinMessage(chatId, body.mid)).rejects.toMatchObject({ status: 403 })
    groups.allowBot(chatId, ['pin_message', 'change_chat_info', 'add_remove_members', 'add_admins'])
    expect(await api.pinMessage(chatId, body.mid)).toEqual({ success: true })
    expect((await api.getPinnedMessage(chatId)).message?.body.mid).toBe(body.mid)
    expect(await api.unpinMessage(chatId)).toEqual({ success: true })
    expect(await api.editChatInfo(chatId, { title: 'Бригада' })).toMatchObject({ title: 'Бригада' })
    const { members } = await api.getChatMembers(chatId)
    expect(members.map(({ user_id }) => user_id)).toEqual([ANNA, BORIS, 229_229_229])
    expect(await api.getChatMembership(chatId)).toMatchObject({ is_admin: true, is_owner: false })
    expect(await api.addChatAdmins(chatId, [{ user_id: BORIS, permissions: ['write'] }])).toEqual({
      success: true,
    })
    expect((await api.getChatAdmins(chatId)).members).toHaveLength(3)
    expect(await api.removeChatAdmin(chatId, BORIS)).toEqual({ success: true })
    expect(await api.removeChatMember(chatId, BORIS)).toEqual({ success: true })
    expect(await api.addChatMembers(chatId, [BORIS, 7])).toMatchObject({
      success: false,
      failed_user_ids: [7],
    })
    expect(await api.leaveChat(chatId)).toEqual({ success: true })
    await expect(api.getChatMembership(chatId)).rejects.toMatchObject({ status: 403 })
  })
})

describe('uploads', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'max-simulator-'))
    simulator.platform.dialogs.start(ANNA)
  })
  afterEach(() => rm(directory, { recursive: true }))

  test('files, images, video and audio are uploaded and attached', async () => {
    const path = join(directory, 'report.txt')
    await writeFile(path, 'Отчёт')
    const file = await api.uploadFile({ source: createReadStream(path) })
    const image = await api.uploadImage({ source: Buffer.from('png') })
    const video = await api.uploadVideo({ source: Buffer.from('mp4') })
    const audio = await api.uploadAudio({ source: path })
    const sent = await api.sendMessageToUser(ANNA, 'файл', { attachments: [file.toJson()] })
    expect(sent.body.attachments).toMatchObject([
      { type: 'file', filename: 'report.txt', size: Buffer.byteLength('Отчёт') },
    ])
    const media = await api.sendMessageToUser(ANNA, '', {
      attachments: [image.toJson(), video.toJson()],
    })
    expect(media.body.attachments).toMatchObject([{ type: 'image' }, { type: 'video' }])
    expect(media.body).not.toHaveProperty('text')
    const sound = await api.sendMessageToUser(ANNA, '', { attachments: [audio.toJson()] })
    expect(sound.body.attachments).toMatchObject([{ type: 'audio' }])
    const [attachment] = sent.body.attachments ?? []
    if (attachment?.type !== 'file') throw new Error('no file')
    expect(await (await fetch(attachment.payload.url)).text()).toBe('Отчёт')
  })

  test('a token of nothing and a token before its bytes are refused', async () => {
    const attachments = [{ type: 'file', payload: { token: 'nothing' } } as const]
    await expect(api.sendMessageToUser(ANNA, 'x', { attachments })).rejects.toBeInstanceOf(MaxError)
    const { token = '' } = await api.raw.uploads.getUploadUrl({ type: 'video' })
    const early = [{ type: 'video', payload: { token } } as const]
    await expect(api.sendMessageToUser(ANNA, 'x', { attachments: early })).rejects.toMatchObject({
      status: 400,
    })
  })

  test('the library waits for an attachment that is still processed', async () => {
    const image = await api.uploadImage({ source: Buffer.from('png') })
    simulator.platform.faults.arm({ path: '/messages', effect: 'attachment-not-ready', times: 1 })
    const sent = await api.sendMessageToUser(ANNA, 'x', { attachments: [image.toJson()] })
    expect(sent.body.attachments).toHaveLength(1)
  })
})
