import type { DialectSql } from '@potok/core/database'
import { sql, type Expression, type RawBuilder } from 'kysely'
import { membersOf } from './metadata-index.ts'

interface Elements {
  /** A source of rows, none where there is no array. Both dialects let it refer to the columns beside it. */
  from: RawBuilder<unknown>
  /** The element of a row as text, JSON null as null. */
  text: RawBuilder<string | null>
}

/** The elements of the array at a path of `states.metadata`. */
function elementsAt({ dialect }: DialectSql, path: string): Elements {
  const metadata = sql.ref('states.metadata')
  const members = membersOf(path)
  if (dialect === 'postgres') {
    const at = sql`(${metadata} #> array[${sql.join(members.map((member) => sql.lit(member)))}]::text[])`
    return {
      from: sql`jsonb_array_elements_text(case jsonb_typeof(${at}) when 'array' then ${at} else '[]' end) as element(value)`,
      text: sql`element.value`,
    }
  }
  const at = sql.lit(`$${members.map((member) => `."${member}"`).join('')}`)
  return {
    from: sql`json_each(case json_type(${metadata}, ${at}) when 'array' then ${metadata} -> ${at} else '[]' end) as element`,
    text: sql`case element.type when 'true' then 'true' when 'false' then 'false' else cast(element.value as text) end`,
  }
}

/** Does the array at a metadata path hold this value? For paths without an index: every row is looked at. */
export function holdsElement(
  dialect: DialectSql,
  path: string,
  value: Expression<string>,
): RawBuilder<boolean> {
  const { from, text } = elementsAt(dialect, path)
  return sql<boolean>`exists (select 1 from ${from} where ${text} = ${value})`
}

/** Fills `state_elements` for a path that becomes indexed. */
export function indexElements(
  dialect: DialectSql,
  entity: string,
  path: string,
): RawBuilder<unknown> {
  const { from, text } = elementsAt(dialect, path)
  return sql`insert into state_elements (entity, path, value, entity_id)
    select distinct states.entity, ${sql.lit(path)}, ${text}, states.entity_id
    from states, ${from}
    where states.entity = ${entity} and states.deleted_at is null and ${text} is not null
    on conflict do nothing`
}
