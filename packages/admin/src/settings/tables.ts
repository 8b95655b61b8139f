import type { JsonColumn, NumberColumn } from '@potok/core/database'

export interface SettingsTables {
  user_settings: {
    user_id: string
    /** `UserSettings` as the person sent them. */
    settings: JsonColumn
    updated_at: NumberColumn
  }
}
