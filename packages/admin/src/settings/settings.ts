import { UserSettings } from '@potok/contracts/user'
import { createParser } from '@potok/core/validation'
import type { Store } from '../store/index.ts'
import { UserNotFound, type Users } from '../users/index.ts'
import { QuietHoursEmpty } from './errors.ts'

export interface SettingsDeps {
  database: Store
  users: Pick<Users, 'get'>
}

export type Settings = ReturnType<typeof createSettings>

const DEFAULTS = { notifications: true, language: 'ru' } as const
const parse = createParser(UserSettings)

/** What people chose. Knows no HTTP. */
export function createSettings({ database, users }: SettingsDeps) {
  return {
    /** Everything that has a default is there. @throws UserNotFound */
    async get(ref: string): Promise<UserSettings> {
      const { id } = await users.get(ref)
      const row = await database.kysely
        .selectFrom('user_settings')
        .select('settings')
        .where('user_id', '=', id)
        .executeTakeFirst()
      return row === undefined ? DEFAULTS : { ...DEFAULTS, ...parse(JSON.parse(row.settings)) }
    },

    /**
     * Replaces the settings: what is left out is back at its default.
     * @throws UserNotFound, QuietHoursEmpty
     */
    async replace(ref: string, settings: UserSettings): Promise<UserSettings> {
      const { quietHours } = settings
      if (quietHours !== undefined && quietHours.from === quietHours.to) {
        throw new QuietHoursEmpty(quietHours.from)
      }
      const { id } = await users.get(ref)
      const stored = { settings: database.json(settings), updated_at: database.now() }
      await database.write(async (trx) => {
        const person = await trx
          .selectFrom('users')
          .select('id')
          .where('id', '=', id)
          // Else the person could be removed before the row that refers to them is there.
          .$if(database.dialect === 'postgres', (query) => query.forShare())
          .executeTakeFirst()
        if (person === undefined) throw new UserNotFound(ref)
        await trx
          .insertInto('user_settings')
          .values({ user_id: id, ...stored })
          .onConflict((conflict) => conflict.column('user_id').doUpdateSet(stored))
          .execute()
      })
      return { ...DEFAULTS, ...settings }
    },
  }
}
