import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Transaction } from 'kysely'
import type { User, UserChange, UserCreate } from '@potok/contracts/user'
import { isUniqueViolation } from '@potok/core/database'
import type { AdminTables, Store } from '../store/index.ts'
import { isMet } from '@potok/core/lib/precondition'
import { MaxUserIdTaken, UserChanged, UsernameTaken, UserNotFound } from './errors.ts'
import type { Passwords } from './passwords.ts'
import { isAccessChange, recordAccessChange } from './access-changes.ts'
import { listUsers } from './user-list.ts'
import type { UserFilter, UserPage } from './schemas.ts'
import { checkTimeZone } from './time-zone.ts'
import { changed, labelsOf, searchTextOf, toUser } from './user-record.ts'

export interface UsersDeps {
  database: Store
  passwords: Pick<Passwords, 'hash'>
}

export type Users = ReturnType<typeof createUsers>
type Write = Transaction<AdminTables>

const DEFAULTS = { capacity: 5, timeZone: 'Europe/Moscow' }

/** The column and value that a reference names: an id, or `@username`. */
export const lookup = (ref: string): ['id' | 'username', string] =>
  ref.startsWith('@') ? ['username', ref.slice(1).toLowerCase()] : ['id', ref]

/** Fresh id of a person. */
const createId = (): string => `usr_${randomUUID().replaceAll('-', '')}`

/** People and their stored passwords. Knows no HTTP. */
export function createUsers({ database, passwords }: UsersDeps) {
  const hashOf = async (password: string | undefined): Promise<string | undefined> =>
    password === undefined ? undefined : passwords.hash(password)

  const users = {
    /**
     * Makes a person.
     * @throws UsernameTaken, MaxUserIdTaken, TimeZoneUnknown, PasswordsBusy
     */
    async create(wanted: UserCreate): Promise<User> {
      const user = await users.createUnlessNamed(wanted)
      if (user === undefined) throw new UsernameTaken(wanted.username.toLowerCase())
      return user
    },

    /** The same, but undefined when somebody has the username: safe for two processes that start at once. */
    async createUnlessNamed(wanted: UserCreate): Promise<User | undefined> {
      const { password, timeZone = DEFAULTS.timeZone } = wanted
      checkTimeZone(timeZone)
      if (await isNamed(database, wanted.username)) return undefined
      const hash = await hashOf(password)
      return guardMaxUserId(wanted.maxUserId, () =>
        database.write(async (trx) => {
          const user = await insertUser(trx, database, { ...wanted, timeZone })
          if (user !== undefined && hash !== undefined) {
            await storeHash(trx, database, user.id, hash)
          }
          return user
        }),
      )
    },

    /** @throws UserNotFound */
    async get(ref: string): Promise<User> {
      const [column, value] = lookup(ref)
      const row = await database.kysely
        .selectFrom('users')
        .selectAll()
        .where(column, '=', value)
        .executeTakeFirst()
      if (row === undefined) throw new UserNotFound(ref)
      return toUser(row)
    },

    /** @throws CursorInvalid */
    list: (filter: UserFilter): Promise<UserPage> => listUsers(database, filter),

    /**
     * Changes a person; a change of nothing keeps the version.
     * @param ifMatch `If-Match` of the request
     * @throws UserNotFound, UserChanged, MaxUserIdTaken, TimeZoneUnknown, PasswordsBusy
     */
    async change(ref: string, change: UserChange, ifMatch?: string): Promise<User> {
      if (change.timeZone !== undefined) checkTimeZone(change.timeZone)
      const hash = await hashOf(change.password)
      return guardMaxUserId(change.maxUserId, () =>
        database.write(async (trx) => {
          const before = await lockUser(trx, database, ref)
          if (!isMet({ ifMatch }, before.version)) throw new UserChanged()
          if (hash !== undefined) await storeHash(trx, database, before.id, hash)
          const after = changed(before, change)
          if (hash === undefined && isDeepStrictEqual(before, after)) return before
          return updateUser(trx, database, after, isAccessChange(before, after, hash))
        }),
      )
    },

    /**
     * Removes a person with everything that refers to them.
     * @throws UserNotFound, UserChanged
     */
    async remove(ref: string, ifMatch?: string): Promise<void> {
      await database.write(async (trx) => {
        const user = await lockUser(trx, database, ref)
        if (!isMet({ ifMatch }, user.version)) throw new UserChanged()
        // Credentials, labels and settings go with the row: on delete cascade.
        await trx.deleteFrom('users').where('id', '=', user.id).execute()
        await recordAccessChange(trx, database, { id: user.id, version: user.version + 1 })
      })
    },
  }
  return users
}

type Sql = Pick<Store, 'dialect' | 'json' | 'now'>

async function isNamed({ kysely }: Store, username: string): Promise<boolean> {
  const [column, value] = lookup(`@${username}`)
  const query = kysely.selectFrom('users').select('id').where(column, '=', value)
  return (await query.executeTakeFirst()) !== undefined
}

/** Reads a person in a way that nobody else changes them until the transaction ends. */
async function lockUser(trx: Write, { dialect }: Sql, ref: string): Promise<User> {
  const [column, value] = lookup(ref)
  const row = await trx
    .selectFrom('users')
    .selectAll()
    .where(column, '=', value)
    // SQLite has one writer at a time and no row locks.
    .$if(dialect === 'postgres', (query) => query.forUpdate())
    .executeTakeFirst()
  if (row === undefined) throw new UserNotFound(ref)
  return toUser(row)
}

async function insertUser(
  trx: Write,
  sql: Sql,
  wanted: UserCreate & { timeZone: string },
): Promise<User | undefined> {
  const { displayName, roles = ['member'], skills = [], capacity = DEFAULTS.capacity } = wanted
  const username = wanted.username.toLowerCase()
  const row = await trx
    .insertInto('users')
    .values({
      id: createId(),
      username,
      display_name: displayName,
      roles: sql.json(roles),
      skills: sql.json(skills),
      capacity,
      max_user_id: wanted.maxUserId ?? null,
      time_zone: wanted.timeZone,
      active: 1,
      search_text: searchTextOf({ username, displayName }),
      version: 1,
      created_at: sql.now(),
      updated_at: sql.now(),
    })
    .onConflict((conflict) => conflict.column('username').doNothing())
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) return undefined
  const user = toUser(row)
  await trx.insertInto('user_labels').values(labelsOf(user)).execute()
  return user
}

async function updateUser(trx: Write, sql: Sql, user: User, isAccess: boolean): Promise<User> {
  const row = await trx
    .updateTable('users')
    .set({
      display_name: user.displayName,
      roles: sql.json(user.roles),
      skills: sql.json(user.skills),
      capacity: user.capacity,
      max_user_id: user.maxUserId ?? null,
      time_zone: user.timeZone,
      active: user.active ? 1 : 0,
      search_text: searchTextOf(user),
      version: user.version + 1,
      updated_at: sql.now(),
    })
    .where('id', '=', user.id)
    .returningAll()
    .executeTakeFirstOrThrow()
  await trx.deleteFrom('user_labels').where('user_id', '=', user.id).execute()
  await trx.insertInto('user_labels').values(labelsOf(user)).execute()
  const updated = toUser(row)
  if (isAccess) await recordAccessChange(trx, sql, updated)
  return updated
}

/** Makes `hash` the password of the person. */
async function storeHash(trx: Write, sql: Sql, userId: string, hash: string): Promise<void> {
  await trx
    .insertInto('credentials')
    .values({ user_id: userId, password_hash: hash, changed_at: sql.now() })
    .onConflict((conflict) =>
      conflict.column('user_id').doUpdateSet({ password_hash: hash, changed_at: sql.now() }),
    )
    .execute()
}

/** The only other unique column is the MAX account. */
async function guardMaxUserId<T>(
  maxUserId: number | null | undefined,
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (maxUserId == null || !isUniqueViolation(error)) throw error
    throw Object.assign(new MaxUserIdTaken(maxUserId), { cause: error })
  }
}
