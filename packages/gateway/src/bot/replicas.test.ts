import { expect, test } from 'vitest'
import { describeDatabases } from '@potok/core/testing/databases'
import { createFacts } from './facts.ts'
import { botMigrations } from './migrations.ts'
import { createReplicas } from './replicas.ts'
import type { BotTables } from './tables.ts'

const SILENT_MS = 15_000

describeDatabases('the count of replicas', (store) => {
  test('grows with each that greets, and shrinks when one leaves or falls silent', async () => {
    const database = await store.open<BotTables>(botMigrations)
    const facts = createFacts(database)
    const [first, second, third] = [1, 2, 3].map(() =>
      createReplicas({ database, facts, silentMs: SILENT_MS }),
    )
    if (first === undefined || second === undefined || third === undefined) throw new Error('no')
    expect(first.count()).toBe(1)
    await first.greet()
    expect(first.count()).toBe(1)
    await second.greet()
    await third.greet()
    await first.greet()
    expect([first.count(), second.count(), third.count()]).toEqual([3, 2, 3])
    await third.leave()
    await first.greet()
    expect(first.count()).toBe(2)
    database.setClockOffset(SILENT_MS + 1000)
    await first.greet()
    expect(first.count()).toBe(1)
  })
})
