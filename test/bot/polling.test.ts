import { afterAll, beforeAll, expect, test } from 'vitest'
import { ANNA, type Person } from './person.ts'
import { setStage, type Stage } from './stage.ts'

let stage: Stage
let anna: Person

beforeAll(async () => {
  stage = await setStage({ mode: 'polling' })
  anna = stage.person(ANNA)
}, 60_000)
afterAll(() => stage.close())

test('updates are polled, in order, and the marker outlives a restart', async () => {
  anna.start()
  await anna.hears('Здравствуйте')
  anna.write('/new Опрошенная задача')
  await anna.hears('Опрошенная задача')
  await stage.gateway.down()
  anna.write('/new Написанная без нас')
  anna.write('/new И ещё одна')
  await stage.gateway.up()
  await anna.hears('И ещё одна')
  expect((await stage.tasks()).map(({ metadata }) => metadata['title'])).toEqual([
    'Опрошенная задача',
    'Написанная без нас',
    'И ещё одна',
  ])
})

test('a platform that fails is polled again', async () => {
  stage.platform.faults.arm({ method: 'GET', path: '/updates', effect: 'html', times: 2 })
  anna.write('/help')
  const help = await anna.hears('Что я умею')
  expect(help.buttons.map(({ text }) => text)).toContain('Новая задача')
})
