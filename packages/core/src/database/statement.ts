import {
  sql,
  type Compilable,
  type CompiledQuery,
  type Kysely,
  type QueryResult,
  type RawBuilder,
} from 'kysely'

/** Where a value goes that is only known when the statement runs. */
class Slot {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

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
  let compiled: NamedQuery<Row> | undefined
  const slot: SlotOf<Values> = (name) => sql`${new Slot(name)}`
  return (values, run) => {
    compiled ??= { ...compile(build(slot), db), name: nextName() }
    const named = new Map<string, unknown>(Object.entries(values))
    const parameters = compiled.parameters.map((parameter) =>
      parameter instanceof Slot ? named.get(parameter.name) : parameter,
    )
    return run({ ...compiled, parameters })
  }
}

function compile<Row>(
  built: RawBuilder<Row> | Compilable<Row>,
  db: Kysely<unknown>,
): CompiledQuery<Row> {
  return 'isRawBuilder' in built ? built.compile(db) : built.compile()
}
