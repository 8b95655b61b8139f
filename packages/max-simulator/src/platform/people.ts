/** The people of the simulated messenger, and the one bot that they talk to. */
import type { Bounds } from './bounds.ts'
import { ControlConflict, ControlNotFound } from './errors.ts'
import type { BotCommand } from './schemas.ts'
import type { WireUser } from './wire.ts'

export interface Person {
  readonly userId: number
  readonly firstName: string
  readonly lastName?: string | undefined
  readonly username?: string | undefined
  /** IETF BCP 47, sent as `user_locale`. */
  readonly locale: string
  lastActivity: number
}

export interface NewPerson {
  userId?: number | undefined
  firstName: string
  lastName?: string | undefined
  username?: string | undefined
  locale?: string | undefined
}

export interface Bot {
  readonly userId: number
  readonly firstName: string
  readonly username: string
  readonly description: string
  commands: readonly BotCommand[]
  /** Unix milliseconds of its last message. */
  lastActivity: number
}

export type BotIdentity = Omit<Bot, 'commands' | 'lastActivity'>

/** Who is there after a start and after every reset; the ids never change. */
export const SAMPLE_PEOPLE: readonly NewPerson[] = [
  { userId: 501_001_001, firstName: 'Анна', lastName: 'Смирнова', username: 'anna' },
  { userId: 501_001_002, firstName: 'Борис', lastName: 'Орлов', username: 'boris' },
]

export const DEFAULT_BOT: BotIdentity = {
  userId: 229_229_229,
  firstName: 'Поток',
  username: 'potok_bot',
  description: 'Бот, который раздаёт задачи команде и следит за их выполнением',
}

const FIRST_GENERATED_ID = 502_000_001

export class People {
  readonly #bounds: Bounds
  readonly #now: () => number
  readonly #bot: Bot
  readonly #byId = new Map<number, Person>()

  constructor(deps: { bounds: Bounds; now: () => number; bot: Bot }) {
    this.#bounds = deps.bounds
    this.#now = deps.now
    this.#bot = deps.bot
  }

  /** The oldest person is never let go silently: a full house is said. */
  add(given: NewPerson): Person {
    if (this.#byId.size >= this.#bounds.people) {
      throw new ControlConflict(`There are ${this.#bounds.people} people already`)
    }
    const userId = given.userId ?? this.#freeId()
    if (this.#byId.has(userId) || userId === this.#bot.userId) {
      throw new ControlConflict(`User id ${userId} is taken`)
    }
    const person: Person = {
      userId,
      firstName: given.firstName,
      lastName: given.lastName,
      username: given.username,
      locale: given.locale ?? 'ru',
      lastActivity: this.#now(),
    }
    this.#byId.set(userId, person)
    return person
  }

  find(userId: number): Person | undefined {
    return this.#byId.get(userId)
  }

  /** @throws ControlNotFound */
  get(userId: number): Person {
    const person = this.#byId.get(userId)
    if (person === undefined) throw new ControlNotFound(`Person ${userId}`)
    return person
  }

  list(): Person[] {
    return [...this.#byId.values()]
  }

  touch(person: Person): void {
    person.lastActivity = this.#now()
  }

  clear(): void {
    this.#byId.clear()
  }

  /** A person or the bot, as the platform shows users; undefined for somebody who is gone. */
  view(userId: number): WireUser | undefined {
    if (userId === this.#bot.userId) return this.botView()
    const person = this.#byId.get(userId)
    if (person === undefined) return undefined
    return {
      user_id: person.userId,
      first_name: person.firstName,
      last_name: person.lastName,
      username: person.username,
      is_bot: false,
      last_activity_time: person.lastActivity,
      name: fullName(person),
    }
  }

  botView(): WireUser {
    return {
      user_id: this.#bot.userId,
      first_name: this.#bot.firstName,
      username: this.#bot.username,
      is_bot: true,
      last_activity_time: this.#bot.lastActivity,
      name: this.#bot.firstName,
    }
  }

  #freeId(): number {
    let userId = FIRST_GENERATED_ID + this.#byId.size
    while (this.#byId.has(userId) || userId === this.#bot.userId) userId += 1
    return userId
  }
}

export function fullName({ firstName, lastName }: Pick<Person, 'firstName' | 'lastName'>): string {
  return lastName === undefined ? firstName : `${firstName} ${lastName}`
}
