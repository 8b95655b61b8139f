import { expect, test } from 'vitest'
import { describeDatabases } from '@potok/core/testing/databases'
import { createBackOff } from './back-off.ts'
import { authMigrations } from './migrations.ts'
import type { AuthTables } from './tables.ts'

const curve = { baseMs: 60_000, maxMs: 60_000 }

describeDatabases('the back-off of logins', (store) => {
  test('of many attempts at once no more are made than one after the other', async () => {
    const database = await store.open<AuthTables>(authMigrations)
    const backOff = createBackOff({
      database,
      name: { free: 3, ...curve },
      ip: { free: 100, ...curve },
      floodThreshold: 3,
      memoryMs: 3_600_000,
    })
    const attempt = { username: 'ann', place: '192.0.2.1', isKnownPlace: false }

    const waits = await Promise.all(Array.from({ length: 40 }, () => backOff.begin(attempt)))

    expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(3)
  })

  test('attempts from many networks at once and their successes never wait for each other', async () => {
    const database = await store.open<AuthTables>(authMigrations)
    const open = { free: 1000, ...curve }
    const backOff = createBackOff({
      database,
      name: open,
      ip: open,
      floodThreshold: 1000,
      memoryMs: 3_600_000,
    })
    const attempts = Array.from({ length: 40 }, (_, index) => ({
      username: `name-${index % 3}`,
      place: `192.0.2.${index % 2}`,
      isKnownPlace: false,
    }))

    await Promise.all(
      attempts.map(async (attempt, index) => {
        expect(await backOff.begin(attempt)).toBe(0)
        await (index % 2 === 0 ? backOff.succeed(attempt) : backOff.cancel(attempt))
      }),
    )

    const left = await database.kysely.selectFrom('auth_attempts').select('failures').execute()
    expect(left.map(({ failures }) => failures)).toEqual(left.map(() => 0))
  })
})
