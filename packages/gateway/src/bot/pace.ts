import { setTimeout as pause } from 'node:timers/promises'

export interface PaceOptions {
  /** Calls a second to one chat, for each kind of call. The platform: 2. */
  perChat: number
  /** Calls a second in all: this process's share of the platform's 30. Asked anew for every call. */
  overall: () => number
  /** Milliseconds; monotonic. */
  now?: () => number
}

/** A second, and what the way to the platform may squeeze it by. */
const WINDOW_MS = 1050
/** Windows of chats remembered before the quiet ones are forgotten. */
const CHATS_REMEMBERED = 4096

export type Pace = ReturnType<typeof createPace>

/**
 * Keeps calls within the platform's limits. Whoever asks gets the next free moment, in the order of asking, so that no
 * window of a second ever holds more calls than allowed.
 */
export function createPace({ perChat, overall, now = () => performance.now() }: PaceOptions) {
  const all: number[] = []
  const chats = new Map<string, number[]>()

  /** When the window has room again: a window's length after the call that is `limit` back. */
  const roomAt = (window: readonly number[], limit: number): number => {
    const oldest = window.at(-limit)
    return oldest === undefined ? 0 : oldest + WINDOW_MS
  }

  function remember(window: number[], limit: number, at: number): void {
    window.push(at)
    if (window.length > limit) window.splice(0, window.length - limit)
  }

  function forgetQuiet(time: number): void {
    for (const [chat, window] of chats) {
      if ((window.at(-1) ?? 0) + WINDOW_MS < time) chats.delete(chat)
    }
  }

  /** @returns milliseconds to wait */
  function reserve(chat: string): number {
    const time = now()
    if (chats.size >= CHATS_REMEMBERED) forgetQuiet(time)
    const window = chats.get(chat) ?? []
    const share = overall()
    const at = Math.max(time, roomAt(window, perChat), roomAt(all, share))
    remember(window, perChat, at)
    remember(all, share, at)
    chats.set(chat, window)
    return at - time
  }

  return {
    reserve,
    /** Waits for the next free moment of this chat. */
    async take(chat: string, signal: AbortSignal): Promise<void> {
      const wait = reserve(chat)
      if (wait > 0) await pause(wait, undefined, { signal })
    },
  }
}
