import { call } from '../../system/api.ts'
import { startPrivateSystem, type PrivateSystem } from '../../system/private-system.ts'
import { median } from '../statistics.ts'
import type { BenchOptions } from '../suite.ts'

const KEY = { 'x-api-key': 'admin-service-key' }
/** Attempts at one name that the back-off lets through when each comes from a network of its own, and some to spare. */
const ATTEMPTS_A_NAME = 50

export interface LoginRow {
  name: string
  p50Ms: number
  /** Median of the pairs' ratios to a wrong password: 1 tells nothing. */
  ofWrongPassword: number
  samplesMs: number[]
}

/**
 * Does the time of a refused login tell whether the name exists? Both kinds in turn, one at a time, each from a network
 * of its own, so that nobody is slowed.
 */
export async function compareLogins({
  rounds,
  progress,
}: Pick<BenchOptions, 'rounds' | 'progress'>): Promise<LoginRow[]> {
  const system = await startPrivateSystem({
    only: ['admin', 'state', 'gateway'],
    env: { TRUSTED_PROXIES: '127.0.0.1/32', THROTTLE_LIMIT: '1000000', LOG_LEVEL: 'info' },
  })
  try {
    const known: number[] = []
    const unknown: number[] = []
    let place = 0
    const timed = async (username: string): Promise<number> => {
      place += 1
      return refusedMs(system, username, `2001:db8:${place.toString(16)}::1`)
    }
    for (let round = 1; round <= rounds; round += 1) {
      progress(`logins, round ${round}/${rounds}`)
      const name = `person-${round}`
      await makePerson(system, name)
      for (let count = 0; count < ATTEMPTS_A_NAME; count += 1) {
        known.push(await timed(name))
        unknown.push(await timed(`nobody-${round}-${count}`))
      }
    }
    return [row('login: wrong password', known, known), row('login: unknown name', unknown, known)]
  } finally {
    await system.stop()
  }
}

function row(name: string, samplesMs: number[], to: number[]): LoginRow {
  const ratios = samplesMs.map((ms, i) => ms / (to[i] ?? Number.NaN))
  return { name, p50Ms: median(samplesMs), ofWrongPassword: median(ratios), samplesMs }
}

async function makePerson(system: PrivateSystem, username: string): Promise<void> {
  const { status } = await call(`${system.url('admin')}/api/v1/users`, {
    method: 'POST',
    headers: KEY,
    json: { username, displayName: username, password: 'correct horse', roles: ['member'] },
  })
  if (status !== 201) throw new Error(`A person could not be made: ${status}`)
}

async function refusedMs(system: PrivateSystem, username: string, place: string): Promise<number> {
  const startedAt = performance.now()
  const { status } = await call(`${system.url('gateway')}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'x-forwarded-for': place },
    json: { username, password: 'wrong' },
  })
  const ms = performance.now() - startedAt
  if (status !== 401) throw new Error(`A login was answered with ${status}`)
  return ms
}
