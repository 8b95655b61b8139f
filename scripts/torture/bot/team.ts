import { setTimeout as pause } from 'node:timers/promises'
import { createPerson, type ChatMessage, type Person } from '../../system/chat.ts'
import type { Random } from '../random.ts'

/** A task that somebody asked the bot for. */
export interface Wish {
  title: string
  author: Member
  assignee: Member
}

export interface Member {
  name: string
  person: Person
}

/** Names that no other name begins with. */
const NAMES = ['Аглая', 'Богдан', 'Варвара', 'Глеб', 'Дарья', 'Егор']
/** Between two messages of one person. */
const LONGEST_PAUSE_MS = 300

export async function gather(simulator: string): Promise<[Member, ...Member[]]> {
  const members: Member[] = []
  for (const name of NAMES) {
    const person = await createPerson(simulator, name)
    await person.start()
    await person.sees(({ text }) => text?.includes('Здравствуйте') ?? false, 'the greeting')
    members.push({ name, person })
  }
  const [first, ...rest] = members
  if (first === undefined) throw new Error('There is nobody')
  return [first, ...rest]
}

/** Everybody asks for tasks: some in one line, some step by step, across whatever happens meanwhile. */
export async function ask(
  members: readonly [Member, ...Member[]],
  random: Random,
  { round, each }: { round: number; each: number },
): Promise<Wish[]> {
  const asked = await Promise.all(
    members.map(async (author, index) => {
      const wishes: Wish[] = []
      for (let turn = 0; turn < each; turn += 1) {
        await pause(random.integer(0, LONGEST_PAUSE_MS))
        const assignee = random.pick(members)
        const title = `Дело ${round}-${index}-${turn}.`
        await author.person.write(`/new ${title} @${assignee.name}`)
        wishes.push({ title, author, assignee })
      }
      return wishes
    }),
  )
  return asked.flat()
}

/** Messages of the bot about a task, by what they are. */
export async function toldOf({ title, author, assignee }: Wish) {
  const about = async ({ person }: Member): Promise<ChatMessage[]> =>
    (await person.messages()).filter(
      ({ text, sender }) => sender.isBot && (text?.includes(title) ?? false),
    )
  const [toAuthor, toAssignee] = [await about(author), await about(assignee)]
  return {
    cards: toAuthor.filter(({ text }) => text?.startsWith('Задача создана')).length,
    notices: toAssignee.filter(({ text }) => text?.startsWith('Вам поручена')).length,
  }
}
