import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Person } from './person.ts'
import { setStage, type Stage } from './stage.ts'

/** Walkers go at once, each in their own dialog. */
const WALKERS = 10
const PRESSES_EACH = 210
/** A button without an answer for so long is dead. */
const PATIENCE_MS = 20_000
/** Buttons of so many of the newest messages may be pressed: old ones must not be dead either. */
const MESSAGES_IN_REACH = 3

let stage: Stage

beforeAll(async () => {
  // Whether the services are quick is not what is tried here.
  stage = await setStage({ limits: { upstreamTimeoutMs: 30_000, platformTimeoutMs: 30_000 } })
  keepAnswers()
}, 60_000)
afterAll(() => stage.close())

/** The same walk for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const WORDS = ['Купить хлеб', 'завтра 18:00', '22:00-8:00', 'Asia/Omsk', 'высокий', 'Вова']

/** What the bot has done in a chat so far: any of it changes when it answers. */
const traceOf = (person: Person): string => JSON.stringify(person.heard())

async function walk(person: Person, random: () => number, pressed: Set<string>): Promise<void> {
  const one = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)]
  for (let step = 0; step < PRESSES_EACH; step += 1) {
    const near = person.heard().slice(-MESSAGES_IN_REACH)
    const choices = near.flatMap(({ mid, buttons }) =>
      buttons.map((button) => ({ mid, ...button })),
    )
    const choice = one(choices)
    if (choice === undefined) throw new Error(`No button left: ${traceOf(person)}`)
    const { callbackId } = person.pressPayload(choice.payload, { mid: choice.mid })
    pressed.add(choice.payload.replaceAll(/[0-9a-f]{16}|user[_-][\w-]+|[0-9A-Za-z_-]{24}/gu, '*'))
    await answered(callbackId, `«${choice.text}» is dead: ${choice.payload}`)
    // Now and then somebody types instead, whatever is being asked for.
    if (random() < 0.1) await type(person, one(WORDS) ?? '')
  }
}

/** Callback ids of presses that the bot has answered. */
const answers = new Set<string>()
const waiting = new Map<string, () => void>()

function keepAnswers(): void {
  stage.platform.requests.watch(({ path, query, status }) => {
    const id = String(query['callback_id'])
    if (path !== '/answers' || status !== 200) return
    answers.add(id)
    waiting.get(id)?.()
  })
}

async function answered(callbackId: string | undefined, otherwise: string): Promise<void> {
  if (callbackId === undefined) throw new Error('All buttons of the bot call back')
  if (answers.has(callbackId)) return
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(otherwise)), PATIENCE_MS)
    waiting.set(callbackId, () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

async function type(person: Person, text: string): Promise<void> {
  const before = traceOf(person)
  person.write(text)
  await vi.waitFor(() => expect(traceOf(person)).not.toBe(before), { timeout: PATIENCE_MS })
}

test('a walk over all buttons meets no dead one and no error', async () => {
  const pressed = new Set<string>()
  const walkers = Array.from({ length: WALKERS }, (_, index) => {
    const { userId } = stage.platform.people.add({ firstName: `Вова ${index}` })
    stage.platform.chats.dialog(userId)
    return stage.person(userId)
  })
  for (const walker of walkers) {
    walker.start()
    await walker.hears('Здравствуйте')
  }
  await Promise.all(walkers.map((walker, index) => walk(walker, seeded(index + 1), pressed)))

  const said = walkers.flatMap((walker) => walker.heard().map(({ text }) => text))
  expect(said.filter((text) => text.includes('Что-то пошло не так'))).toEqual([])
  expect(said.filter((text) => text.includes('недоступ'))).toEqual([])
  const metrics = await (await fetch(`${stage.gateway.url()}/api/v1/metrics`)).text()
  expect(metrics).not.toMatch(/bot_updates_worked_total\{outcome="(failed|retried)"\}/u)
  expect(metrics).not.toMatch(/bot_messages_sent_total\{outcome="refused"\}/u)
  const worked = /bot_updates_worked_total\{outcome="done"\} (\d+)/u.exec(metrics)
  expect(Number(worked?.[1])).toBeGreaterThan(WALKERS * PRESSES_EACH)
  // oxlint-disable-next-line no-console -- how far it came is what the walk is for
  console.info(`${WALKERS * PRESSES_EACH} presses, ${pressed.size} kinds of buttons`)
  // The walk came around: every kind of screen was entered.
  for (const place of ['new', 'team', 'stats', 'settings', 'help', 'presence', 'set:quiet']) {
    expect(pressed).toContain(place)
  }
  for (const action of ['take', 'start', 'done', 'fail', 'postpone', 'reopen']) {
    expect(pressed).toContain(`do:${action}:task-*`)
  }
}, 400_000)
