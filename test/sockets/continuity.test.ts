import { expect, test } from 'vitest'
import { nginxService } from '@potok/core/testing/nginx-server'
import { postgresService } from '@potok/core/testing/postgres-server'
import { redisService } from '@potok/core/testing/redis-server'
import { describeService } from '@potok/core/testing/services'
import { createRandom } from '../../scripts/torture/random.ts'
import { checkContinuity } from '../../scripts/torture/sockets/checker.ts'
import { tortureSockets } from '../../scripts/torture/sockets/run.ts'
import type { Store } from '../../scripts/torture/torture.ts'

/** A short form of `npm run torture -- sockets`. */
async function torture(store: Store) {
  const lines: string[] = []
  const { faults } = await tortureSockets({
    store,
    rounds: 1,
    clients: 30,
    changesPerSecond: 20,
    random: createRandom(7),
    report: (line) => lines.push(line),
  })
  return { faults, lines }
}

test('every client ends with the sequence of the log, over a restart of gateway and state service', async () => {
  const { faults, lines } = await torture('sqlite')

  expect(faults).toEqual([])
  expect(lines).toHaveLength(1)
})

const services = [postgresService, redisService, nginxService]
const all = {
  name: services.map(({ name }) => name).join(', '),
  install: services.map(({ install }) => install).join('; '),
  isInstalled: () => services.every((service) => service.isInstalled()),
}

describeService(all, 'two gateways behind nginx with PostgreSQL and Redis', () => {
  test('a rolling restart of everything loses and repeats nothing', async () => {
    const { faults, lines } = await torture('postgres')

    expect(faults).toEqual([])
    expect(lines).toHaveLength(1)
  })
})

test.each([
  ['a gap', ['e.1', 'e.3'], ['1 lost before e.3']],
  ['a duplicate', ['e.1', 'e.2', 'e.2', 'e.3'], ['e.2 came twice or out of order']],
  ['a missing end', ['e.1', 'e.2'], ['1 lost at the end']],
  ['nothing wrong', ['e.1', 'e.2', 'e.3'], []],
])('the checker finds %s', (_name, changes, faults) => {
  const told = [{ reload: 'e.0' }, ...changes.map((change) => ({ change }))]

  expect(checkContinuity(told, ['e.1', 'e.2', 'e.3'])).toEqual(faults)
})

test('the checker lets a client go on behind the cursor of a reload', () => {
  const log = ['e.1', 'e.2', 'e.4', 'e.5']
  const told = [{ reload: 'e.0' }, { change: 'e.1' }, { reload: 'e.3' }, { change: 'e.4' }]

  expect(checkContinuity(told, log)).toEqual(['1 lost at the end'])
  expect(checkContinuity([...told, { change: 'e.5' }], log)).toEqual([])
})
