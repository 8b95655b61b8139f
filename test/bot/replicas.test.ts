import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  postgresService,
  startPostgres,
  type PostgresServer,
} from '@potok/core/testing/postgres-server'
import { describeService } from '@potok/core/testing/services'
import { ANNA, BORIS, type Person } from './person.ts'
import { setStage, type Stage, type StageOptions } from './stage.ts'

const WEBHOOKS: StageOptions = { mode: 'webhook' }
const POLLING: StageOptions = { mode: 'polling' }

describeService(postgresService, 'two replicas over PostgreSQL', () => {
  let server: PostgresServer

  beforeAll(async () => {
    const started = await startPostgres({ fsync: false })
    if (started === undefined) throw new Error('PostgreSQL did not start')
    server = started
  }, 60_000)
  afterAll(() => server.stop())

  test.each([WEBHOOKS, POLLING])(
    'every update once, every notice once, every chat in order: %o',
    async (options) => {
      const stage = await setStage({ ...options, gateways: 2, databaseUrl: server.url })
      try {
        expect(await play(stage)).toBe(ROUNDS)
      } finally {
        await stage.close()
      }
    },
    120_000,
  )
})

const ROUNDS = 15

/** With webhooks the platform tells both replicas of every update. */
async function play(stage: Stage): Promise<number> {
  const anna = stage.person(ANNA)
  const boris = stage.person(BORIS)
  anna.start()
  boris.start()
  await anna.hears('Здравствуйте')
  await boris.hears('Здравствуйте')
  stage.platform.faults.setDelivery({ parallel: true })
  for (let round = 0; round < ROUNDS; round += 1) anna.write(`/new Задача ${round}. @Борис`)
  for (let round = 0; round < ROUNDS; round += 1) await boris.hears(`Задача ${round}.`)
  boris.press('Начать')
  await anna.hears('Ваша задача теперь в работе')

  const wanted = Array.from({ length: ROUNDS }, (_, round) => `Задача ${round}.`)
  const titles = (await stage.tasks()).map(({ metadata }) => String(metadata['title']))
  expect(titles.toSorted()).toEqual(wanted.toSorted())
  for (const title of wanted) {
    expect(cardsOf(boris, title)).toHaveLength(1)
    expect(cardsOf(anna, title)).toHaveLength(1)
  }
  return titles.length
}

/** Without notices of changes: a card that was created, or an assignment that was told. */
const cardsOf = (person: Person, title: string) =>
  person
    .heard()
    .filter(({ text }) => text.includes(`${title} ·`) && !text.startsWith('Ваша задача'))
