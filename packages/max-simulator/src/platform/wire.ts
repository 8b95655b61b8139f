/** The shapes that the platform puts on the wire. Nullable fields are absent, never null. */

export const UPDATE_TYPES = [
  'message_created',
  'message_callback',
  'message_edited',
  'message_removed',
  'bot_started',
  'bot_stopped',
  'dialog_cleared',
  'dialog_removed',
  'dialog_muted',
  'dialog_unmuted',
  'bot_added',
  'bot_removed',
  'user_added',
  'user_removed',
  'chat_title_changed',
  'bot_admin_permissions_changed',
  'comment_created',
  'comment_edited',
  'comment_removed',
] as const
export type UpdateType = (typeof UPDATE_TYPES)[number]

type ChatType = 'dialog' | 'chat' | 'channel'

export interface WireUser {
  user_id: number
  first_name: string
  last_name?: string | undefined
  username?: string | undefined
  is_bot: boolean
  last_activity_time: number
  /** Deprecated by the platform, still sent by it. */
  name: string
}

export interface Markup {
  type:
    | 'strong'
    | 'emphasized'
    | 'monospaced'
    | 'link'
    | 'strikethrough'
    | 'underline'
    | 'user_mention'
    | 'heading'
    | 'highlighted'
    | 'quote'
  /** Offset in UTF-16 units. */
  from: number
  length: number
  url?: string
  user_id?: number
}

export interface Button {
  type:
    | 'callback'
    | 'link'
    | 'clipboard'
    | 'message'
    | 'request_contact'
    | 'request_geo_location'
    | 'open_app'
  text: string
  payload?: string | undefined
  url?: string | undefined
  quick?: boolean | undefined
  web_app?: string | undefined
  contact_id?: number | undefined
}

export type Attachment =
  | { type: 'inline_keyboard'; payload: { buttons: Button[][] } }
  | { type: 'image'; payload: { photo_id: number; token: string; url: string } }
  | { type: 'video' | 'audio'; payload: { token: string; url: string } }
  | { type: 'file'; payload: { token: string; url: string }; filename: string; size: number }
  | { type: 'sticker'; payload: { code: string; url: string }; width: number; height: number }
  | {
      type: 'contact'
      payload: {
        vcf_info?: string | undefined
        max_info?: WireUser | undefined
        hash?: string | undefined
      }
    }
  | { type: 'share'; payload: { url?: string | undefined; token?: string | undefined } }
  | { type: 'location'; latitude: number; longitude: number }

interface WireMessageBody {
  mid: string
  seq: bigint
  /** null only when a test asks for it: the platform's habit is not known. */
  text?: string | null | undefined
  attachments?: Attachment[] | undefined
  markup?: Markup[] | undefined
}

export interface WireLink {
  type: 'reply' | 'forward'
  sender?: WireUser | undefined
  chat_id?: number | undefined
  message: WireMessageBody
}

export interface WireMessage {
  sender?: WireUser | undefined
  recipient: { chat_id?: number | undefined; chat_type: ChatType; user_id?: number | undefined }
  timestamp: number
  link?: WireLink | undefined
  body: WireMessageBody
}

/** One event. There is no update id on the platform. */
export interface WireUpdate {
  update_type: string
  timestamp: number
  [field: string]: unknown
}

/** Answer of calls that change something: also a failure comes with 200. */
export type QueryResult = { success: true } | { success: false; message: string }
