import type { Credentials, PasswordChange, User } from '@potok/contracts/user'
import type { Store } from '../store/index.ts'
import { CredentialsWrong, CurrentPasswordWrong, UserNotFound } from './errors.ts'
import type { Passwords } from './passwords.ts'
import { toUser } from './user-record.ts'
import { lookup, type Users } from './users.ts'

export interface CredentialsDeps {
  database: Store
  passwords: Pick<Passwords, 'matches'>
  users: Pick<Users, 'change'>
}

/** Checks who somebody says they are. Knows no HTTP. */
export function createCredentials({ database, passwords, users }: CredentialsDeps) {
  const find = async (ref: string) => {
    const [column, value] = lookup(ref)
    return database.kysely
      .selectFrom('users')
      .leftJoin('credentials', 'credentials.user_id', 'users.id')
      .selectAll('users')
      .select('credentials.password_hash')
      .where(`users.${column}`, '=', value)
      .executeTakeFirst()
  }

  return {
    /**
     * The person with this name and password. Every other case is one answer after one computation, so that neither
     * the answer nor its time tells which names exist.
     * @throws CredentialsWrong, PasswordsBusy
     */
    async verify({ username, password }: Credentials): Promise<User> {
      const row = await find(`@${username}`)
      const same = await passwords.matches(password, row?.password_hash ?? undefined)
      if (!same || row === undefined || row.active !== 1) throw new CredentialsWrong()
      return toUser(row)
    },

    /**
     * Makes `newPassword` the person's password.
     * @throws UserNotFound, CurrentPasswordWrong, PasswordsBusy
     */
    async changePassword(ref: string, change: PasswordChange): Promise<User> {
      const row = await find(ref)
      if (row === undefined) throw new UserNotFound(ref)
      if (!(await passwords.matches(change.currentPassword, row.password_hash ?? undefined))) {
        throw new CurrentPasswordWrong()
      }
      return users.change(row.id, { password: change.newPassword })
    },
  }
}

export type CredentialsCheck = ReturnType<typeof createCredentials>
