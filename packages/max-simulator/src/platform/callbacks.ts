/** Presses of buttons that the bot may answer. */
import { forgetOldest, type Bounds } from './bounds.ts'
import { BadPayload } from './errors.ts'
import { newCallbackId } from './ids.ts'

export interface Callback {
  readonly id: string
  readonly mid: string
  readonly chatId: number
  readonly userId: number
}

export class Callbacks {
  readonly #bounds: Bounds
  readonly #byId = new Map<string, Callback>()

  constructor({ bounds }: { bounds: Bounds }) {
    this.#bounds = bounds
  }

  /** @param id given when a fault makes ids per keyboard instead of per press */
  open(press: { mid: string; chatId: number; userId: number }, id = newCallbackId()): Callback {
    const callback: Callback = { id, ...press }
    this.#byId.set(id, callback)
    forgetOldest(this.#byId, this.#bounds.callbacks)
    return callback
  }

  /** @throws BadPayload, as the platform does for an id it does not know */
  get(id: string): Callback {
    const callback = this.#byId.get(id)
    if (callback === undefined) throw new BadPayload('Invalid callback_id')
    return callback
  }

  clear(): void {
    this.#byId.clear()
  }
}
