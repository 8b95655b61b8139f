import { sql, type SelectQueryBuilder } from 'kysely'
import type { AdminTables, Store } from '../store/index.ts'
import { packCursor, unpackCursor } from '../lib/page-cursor.ts'
import { CursorInvalid } from './errors.ts'
import type { UserFilter, UserPage } from './schemas.ts'

import { toUser } from './user-record.ts'

type People = SelectQueryBuilder<AdminTables, 'users', unknown>

/**
 * One page of people by username. A person who is there all the time is in exactly one page.
 * @throws CursorInvalid
 */
export async function listUsers(
  { kysely }: Store,
  { limit = 50, cursor, ...filter }: UserFilter,
): Promise<UserPage> {
  let people = filtered(kysely.selectFrom('users'), filter)
  if (cursor !== undefined) people = people.where('username', '>', positionOf(cursor))
  const rows = await people
    .selectAll()
    .orderBy('username')
    .limit(limit + 1)
    .execute()
  const items = rows.slice(0, limit).map(toUser)
  const last = items.at(-1)
  return rows.length > limit && last !== undefined
    ? { items, nextCursor: packCursor([last.username]) }
    : { items }
}

function filtered(all: People, { role, skill, active, username, maxUserId, q }: UserFilter) {
  let people = withLabel(withLabel(all, 'role', role), 'skill', skill)
  if (active !== undefined) people = people.where('active', '=', active ? 1 : 0)
  if (username !== undefined) people = people.where('username', '=', username.toLowerCase())
  if (maxUserId !== undefined) people = people.where('max_user_id', '=', maxUserId)
  if (q === undefined) return people
  const part = `%${q.toLowerCase().replaceAll(/[\\%_]/gu, String.raw`\$&`)}%`
  return people.where(sql<boolean>`search_text like ${part} escape '\\'`)
}

function withLabel(people: People, kind: 'role' | 'skill', label: string | undefined): People {
  if (label === undefined) return people
  return people.where((where) =>
    where.exists(
      where
        .selectFrom('user_labels')
        .select('user_labels.user_id')
        .whereRef('user_labels.user_id', '=', 'users.id')
        .where('kind', '=', kind)
        .where('label', '=', label.toLowerCase()),
    ),
  )
}

function positionOf(cursor: string): string {
  const [username] = unpackCursor(cursor) ?? []
  if (typeof username !== 'string') throw new CursorInvalid()
  return username
}
