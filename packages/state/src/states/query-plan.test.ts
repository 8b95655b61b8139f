import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { describeDatabases, type TestStore } from '@potok/core/testing/databases'
import { builtInRules } from '../machines/index.ts'
import { createStateService } from '../testing/state-service.ts'
import { planOf } from './query-plan.ts'
import { pageSql } from './query-sql.ts'
import { queryFromJson, queryFromUrl, type Query } from './query.ts'

const ROWS = 5000
const INDEXES = new Set(builtInRules.get('task')?.indexes)

const page = (text: string): Query =>
  queryFromUrl('task', Object.fromEntries(new URLSearchParams(text)))

const cursorAt = (updatedAt: number): string =>
  Buffer.from(JSON.stringify(['-updatedAt', updatedAt, 'task_x'])).toString('base64url')

test('what an index gives in order is told from what may look at every state', () => {
  const cases: [query: Query, indexed: boolean][] = [
    [page(''), true],
    [page('status=created'), true],
    [page('status=created,pending'), true],
    [page('metadata.assignee=u1'), true],
    [page('metadata.assignee=u1&updatedAfter=2025-01-01T00:00:00Z'), true],
    [page('sort=createdAt&createdAfter=2025-01-01T00:00:00Z'), true],
    [page('sort=entityId'), true],
    [page('metadata.room=1'), false],
    [page('metadata.assignee=u1&status=created'), false],
    [page('metadata.assignee=u1&sort=createdAt'), false],
    [page('createdAfter=2025-01-01T00:00:00Z'), false],
    [page('groupBy=status'), false],
    [queryFromJson({ entity: 'task', where: { not: { status: 'created' } } }), false],
    [queryFromJson({ entity: 'task', where: { 'metadata.assignee': { gt: 'u' } } }), false],
  ]

  for (const [query, indexed] of cases) {
    expect({ query, indexed: planOf(query, INDEXES).indexed }).toEqual({ query, indexed })
  }
})

function suite(store: TestStore): void {
  test('the planner takes the index that we mean', async () => {
    const { app } = await createStateService({ place: await store.place() })
    const database = app.store
    await database.write(async (trx) => {
      const rows = Array.from({ length: ROWS }, (_, n) => ({
        entity: 'task',
        entity_id: `t${n}`,
        status: n % 2 === 0 ? 'created' : 'pending',
        version: 1,
        metadata: JSON.stringify({
          assignee: `u${n % 50}`,
          priority: n % 4 === 0 ? 'high' : 'low',
        }),
        created_at: n,
        created_by: 'service:gateway',
        updated_at: (n * 7919) % ROWS,
        updated_by: 'service:gateway',
        machine_version: 1,
      }))
      for (let from = 0; from < ROWS; from += 1000) {
        await trx
          .insertInto('states')
          .values(rows.slice(from, from + 1000))
          .execute()
      }
    })
    await database.write((trx) => sql`analyze states`.execute(trx))
    const explain = database.dialect === 'sqlite' ? sql`explain query plan` : sql`explain`
    const planFor = async (query: Query): Promise<string> => {
      const context = {
        dialect: database,
        entity: 'task',
        indexes: INDEXES,
        arrays: new Set<string>(),
      }
      const built = pageSql(query, planOf(query, INDEXES), context)
      const { rows } = await sql<object>`${explain} ${built}`.execute(database.kysely)
      return rows.map((row) => Object.values(row).join(' ')).join('\n')
    }

    const cases: [text: string, postgres: RegExp, sqlite: RegExp][] = [
      ['', /states_updated/u, /states_updated \(entity=\?\)/u],
      [`cursor=${cursorAt(2500)}`, /states_updated/u, /\(updated_at,entity_id\)<\(\?,\?\)/u],
      ['status=created', /states_status/u, /states_status \(entity=\? AND status=\?\)/u],
      ['sort=createdAt', /states_created/u, /states_created \(entity=\?\)/u],
      [
        'metadata.assignee=u7',
        /Index Cond: \(+metadata #>> '\{assignee\}'/u,
        /states_m_\w+ \(entity=\? AND <expr>=\?\)/u,
      ],
      [
        `metadata.assignee=u7&cursor=${cursorAt(2500)}`,
        /Index Cond: .*metadata #>> '\{assignee\}'.* AND \(ROW\(updated_at/u,
        /states_m_\w+ \(entity=\? AND <expr>=\? AND \(updated_at,entity_id\)<\(\?,\?\)\)/u,
      ],
    ]
    for (const [text, postgres, sqlite] of cases) {
      const plan = await planFor(page(text))
      expect({ text, plan }).toEqual({
        text,
        plan: expect.stringMatching(database.dialect === 'sqlite' ? sqlite : postgres) as string,
      })
      expect({ text, plan }).toEqual({
        text,
        // A few rows PostgreSQL may sort all the same.
        plan: expect.not.stringMatching(/Seq Scan|TEMP B-TREE/u) as string,
      })
    }
  })
}

describeDatabases('query plans', suite)
