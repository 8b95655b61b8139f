import { sql } from 'kysely'
import type { DialectSql } from './dialect.ts'
import type { LateValue } from './late-value.ts'

/** `$."a"."b"`: every member quoted, so that a dot inside a name is no separator. */
const jsonPath = (path: readonly string[]): string =>
  `$${path.map((member) => `."${member.replaceAll('"', '\\"')}"`).join('')}`

/** The SQL of SQLite. @param clockOffset milliseconds added to the clock */
export function createSqliteSql(clockOffset: LateValue): DialectSql {
  return {
    dialect: 'sqlite',
    now: () => sql<number>`(cast(round(unixepoch('subsec') * 1000) as integer) + ${clockOffset})`,
    json: (value) => sql<string>`${JSON.stringify(value)}`,
    // json_extract would turn true into 1 and lose the text of numbers; -> keeps the JSON.
    jsonText: (column, path) => {
      const at = sql.lit(jsonPath(path))
      return sql<
        string | null
      >`case json_type(${column}, ${at}) when 'null' then null when 'text' then ${column} ->> ${at} else ${column} -> ${at} end`
    },
    jsonNumber: (column, path) => {
      const at = sql.lit(jsonPath(path))
      return sql<
        number | null
      >`case when json_type(${column}, ${at}) in ('integer', 'real') then ${column} ->> ${at} end`
    },
    rows: (json, columns) => {
      const members = Object.keys(columns).map(
        (name) => sql`value ->> ${sql.lit(name)} as ${sql.ref(name)}`,
      )
      // As JSON text each row would be read again for each of its columns.
      return sql`(select ${sql.join(members)} from jsonb_each(jsonb(${json})))`
    },
    jsonType: sql`text`,
    serialType: sql`integer primary key autoincrement`,
  }
}
