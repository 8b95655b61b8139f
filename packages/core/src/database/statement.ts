import {
  sql,
  type Compilable,
  type CompiledQuery,
  type Kysely,
  type QueryResult,
  type RawBuilder,
} from 'kysely'

/** Says where a value goes that is only known when the statement runs. */
export type SlotOf<Values> = <Name extends keyof Values & string>(
  name: Name,
) => RawBuilder<Values[Name]>

/** A query whose text is known to come back: PostgreSQL parses it once a connection. */
export interface NamedQuery<Row> extends CompiledQuery<Row> {
  readonly name: string
}

/** Runs the compiled query; the values by name are put into its slots. */
export type Statement<Values, Row> = (
  values: Values,
  run: (query: NamedQuery<Row>) => Promise<QueryResult<Row>>,
) => Promise<QueryResult<Row>>

/** Unique in the process, and so on each of its connections. */
let names = 0
const nextName = (): string => `potok_${(names += 1)}`

/**
 * Builds and compiles a query once, at its first use. Kysely spends several times more on building a small query than
 * SQLite on running it.
 */
export function createStatement<Values extends object, Row>(
  build: (slot: SlotOf<Values>) => RawBuilder<Row> | Compilable<Row>,
  db: Kysely<unknown>,
): Statement<Values, Row> {
  const readers = new Map<unknown, (values: Values) => unknown>()
  const slot: SlotOf<Values> = (name) => {
    // Stands for the value in the compiled query, and is nothing but itself.
    const place = { name }
    readers.set(place, (values) => values[name])
    return sql`${place}`
  }
  function prepare() {
    const query: NamedQuery<Row> = { ...compile(build(slot), db), name: nextName() }
    const binders = query.parameters.map((parameter) => readers.get(parameter) ?? (() => parameter))
    return { query, binders }
  }
  let prepared: ReturnType<typeof prepare> | undefined
  return (values, run) => {
    const { query, binders } = (prepared ??= prepare())
    return run({ ...query, parameters: binders.map((read) => read(values)) })
  }
}

function compile<Row>(
  built: RawBuilder<Row> | Compilable<Row>,
  db: Kysely<unknown>,
): CompiledQuery<Row> {
  return 'isRawBuilder' in built ? built.compile(db) : built.compile()
}
