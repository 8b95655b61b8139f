/** Server-Sent Events for the chat page: everything at once, then every change. */
import type { FastifyPluginAsync } from 'fastify'
import type { Change } from '../platform/changes.ts'
import { ControlConflict } from '../platform/errors.ts'
import { stringify } from '../platform/json.ts'
import type { StoredMessage } from '../platform/messages.ts'
import type { Platform, PlatformOption } from '../platform/platform.ts'
import { renderMarkup } from '../page/render-markup.ts'
import { chatView, connectionView, messageView, personView } from './views.ts'

/** What a page gets of each chat at once. */
const SNAPSHOT_MESSAGES = 100
/** Dialogs and groups in the snapshot, the latest first. */
const SNAPSHOT_CHATS = 60
const HEARTBEAT_MS = 5000
/** A page that does not read this much is cut; it comes back by itself and gets a new snapshot. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024

interface StreamEvent {
  event: string
  data: unknown
}

export const streamRoute: FastifyPluginAsync<PlatformOption> = async (app, { platform }) => {
  let open = 0

  app.get('/stream', (_request, reply) => {
    if (open >= platform.bounds.streams) {
      throw new ControlConflict(`There are ${platform.bounds.streams} watchers already`)
    }
    open += 1
    reply.hijack()
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    })
    let connection = ''
    const send = ({ event, data }: StreamEvent): void => {
      const text = stringify(data)
      // Told after every push, and mostly the same.
      if (event === 'connection' && text === connection) return
      if (event === 'connection') connection = text
      reply.raw.write(`event: ${event}\ndata: ${text}\n\n`)
      if (reply.raw.writableLength > MAX_BUFFERED_BYTES) reply.raw.destroy()
    }
    send({ event: 'snapshot', data: snapshot(platform) })
    const silence = platform.changes.listen((change) => send(eventOf(change, platform)))
    // The comment keeps the connection; the event tells of a poller that has gone, when nothing else happens.
    const heartbeat = setInterval(() => {
      reply.raw.write(': alive\n\n')
      send({ event: 'connection', data: connectionView(platform) })
    }, HEARTBEAT_MS)
    reply.raw.once('close', () => {
      open -= 1
      silence()
      clearInterval(heartbeat)
    })
  })
}

function snapshot(platform: Platform): Record<string, unknown> {
  const { people, chats, messages } = platform
  const latest = chats.list().toSorted((a, b) => b.lastEventTime - a.lastEventTime)
  const shown = latest.slice(0, SNAPSHOT_CHATS)
  return {
    connection: connectionView(platform),
    people: people.list().map((person) => personView(person, platform)),
    chats: shown.map((chat) => chatView(chat, platform)),
    messages: shown.flatMap(({ chatId }) =>
      messages
        .inChat(chatId)
        .slice(-SNAPSHOT_MESSAGES)
        .map((message) => renderedMessage(message, platform)),
    ),
  }
}

/** The text comes as HTML that is already safe: it is escaped where it is rendered, here, not in the browser. */
function renderedMessage(message: StoredMessage, platform: Platform): Record<string, unknown> {
  const { markup: _markup, source: _source, ...view } = messageView(message, platform)
  return { ...view, html: renderMarkup(message.content.text ?? '', message.content.markup) }
}

function eventOf(change: Change, platform: Platform): StreamEvent {
  switch (change.kind) {
    case 'message':
      return { event: 'message', data: renderedMessage(change.message, platform) }
    case 'message-removed':
      return { event: 'message-removed', data: { chatId: change.chatId, mid: change.mid } }
    case 'person':
      return { event: 'person', data: personView(change.person, platform) }
    case 'chat':
      return { event: 'chat', data: chatView(change.chat, platform) }
    case 'history-cleared':
      return { event: 'history-cleared', data: { chatId: change.chatId } }
    case 'action':
      return { event: 'action', data: { chatId: change.chatId, action: change.action } }
    case 'connection':
      return { event: 'connection', data: connectionView(platform) }
    case 'reset':
      return { event: 'snapshot', data: snapshot(platform) }
  }
}
