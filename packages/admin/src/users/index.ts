/**
 * People: who they are, what they may, what they can, and their passwords. `app.users` for the process,
 * `{prefix}` for services.
 */
import fp from 'fastify-plugin'
import '@potok/core/metrics'
import { Counter, Gauge } from 'prom-client'
import { createAccessChanges } from './access-changes.ts'
import { createCredentials } from './credentials.ts'
import { createPasswords, type PasswordsOptions } from './passwords.ts'
import { routes } from './routes.ts'
import type { FirstPerson } from './schemas.ts'
import { createUsers, type Users } from './users.ts'

export { UserNotFound } from './errors.ts'
export type { Users } from './users.ts'

interface UsersOptions {
  /** Where the routes are mounted. */
  prefix: string
  passwords: PasswordsOptions
  /** Made, with the role admin, when nobody has that username. */
  firstPerson: FirstPerson
  /** How long a change of somebody's access can be asked for, days. */
  accessChangeDays: number
}

const DAY_MS = 86_400_000
const PURGE_EVERY_MS = 3_600_000

declare module 'fastify' {
  interface FastifyInstance {
    users: Users
  }
}

export default fp<UsersOptions>(
  async (app, { prefix, passwords: passwordsOptions, firstPerson, accessChangeDays }) => {
    const log = app.log.child({ context: 'Users' })
    const hashes = new Counter({
      name: 'password_hashes_total',
      help: 'argon2id computations, for checks and for new passwords',
      registers: [app.registry],
    })
    const passwords = createPasswords({ ...passwordsOptions, onCompute: () => hashes.inc() })
    app.registry.registerMetric(
      new Gauge({
        name: 'password_hashes_waiting',
        help: 'Passwords that wait to be hashed',
        registers: [],
        collect() {
          this.set(passwords.waiting())
        },
      }),
    )
    const users = createUsers({ database: app.store, passwords })
    const credentials = createCredentials({ database: app.store, passwords, users })
    const accessChanges = createAccessChanges({ database: app.store })
    app.decorate('users', users)
    await app.register(routes, { prefix, users, accessChanges, credentials })
    const purge = setInterval(() => {
      accessChanges.purge(accessChangeDays * DAY_MS).catch((err: unknown) => {
        // The store is away; the next time finds the same rows.
        log.warn({ err }, 'old changes of access could not be forgotten')
      })
    }, PURGE_EVERY_MS).unref()
    app.addHook('onClose', async () => clearInterval(purge))

    // Only where there is nobody yet: a first person who was removed stays removed.
    const nobody = (await users.list({ limit: 1 })).items.length === 0
    const made =
      nobody &&
      (await users.createUnlessNamed({
        ...firstPerson,
        displayName: firstPerson.username,
        roles: ['admin'],
      }))
    if (made) {
      log.info({ userId: made.id, username: made.username }, 'first person made')
    }
  },
  {
    name: '@potok/users',
    fastify: '5.x',
    dependencies: ['@potok/admin-store', '@potok/api-key', '@potok/metrics'],
  },
)
