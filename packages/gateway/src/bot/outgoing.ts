import { Type, type Static } from '@sinclair/typebox'

/** Limits of the platform. */
export const TEXT_LIMIT = 4000
export const BUTTON_TEXT_LIMIT = 128

const Button = Type.Object({
  text: Type.String({ minLength: 1, maxLength: BUTTON_TEXT_LIMIT }),
  /** Comes back when it is pressed. */
  payload: Type.String({ minLength: 1, maxLength: 1024 }),
})
export type Button = Static<typeof Button>

/** What a message shows: HTML of the platform's kind, user text escaped, and rows of buttons. */
export const Content = Type.Object({
  html: Type.String({ minLength: 1, maxLength: TEXT_LIMIT }),
  buttons: Type.Optional(Type.Array(Type.Array(Button, { minItems: 1, maxItems: 7 }))),
})
export type Content = Static<typeof Content>

/** The card that a message shows. */
const CardShown = Type.Object({
  taskId: Type.String(),
  version: Type.Integer(),
  /** Whose buttons it has; null in groups. */
  maxUserId: Type.Union([Type.Integer(), Type.Null()]),
})
export type CardShown = Static<typeof CardShown>

const correlationId = Type.String()

/** A new message to a chat, or to the dialog with a person. */
const Send = Type.Object({
  kind: Type.Literal('send'),
  chatId: Type.Optional(Type.Integer()),
  maxUserId: Type.Optional(Type.Integer()),
  content: Content,
  card: Type.Optional(CardShown),
  correlationId,
})

/** Another content of a message that is there. */
const Edit = Type.Object({
  kind: Type.Literal('edit'),
  chatId: Type.Optional(Type.Integer()),
  maxUserId: Type.Optional(Type.Integer()),
  /** Unknown when the platform did not say which message carries the pressed button. */
  mid: Type.Optional(Type.String()),
  /** Of the button pressed: answering it edits the message that carries it. */
  callbackId: Type.Optional(Type.String()),
  content: Content,
  card: Type.Optional(CardShown),
  /** The message is gone: send a new one, or let it be. */
  otherwise: Type.Union([Type.Literal('send'), Type.Literal('drop')]),
  /** Not when the message shows something else by now than this task. */
  onlyCardOf: Type.Optional(Type.String()),
  correlationId,
})

/** The answer to a press that changes nothing on the message. */
const Acknowledge = Type.Object({
  kind: Type.Literal('acknowledge'),
  chatId: Type.Optional(Type.Integer()),
  callbackId: Type.String(),
  text: Type.String({ minLength: 1, maxLength: 200 }),
  correlationId,
})

/** What the outbox holds. */
export const Outgoing = Type.Union([Send, Edit, Acknowledge])
export type Outgoing = Static<typeof Outgoing>
export type OutgoingOf<K extends Outgoing['kind']> = Extract<Outgoing, { kind: K }>
