import type { SqliteModule } from '@photostructure/sqlite'
import { bindable, bindableAsInteger } from './late-value.ts'

/** SQLite reads rows from `jsonb_each` since 3.51; any Node that brings so late a one has the API that we use. */
function isUsable(module: unknown): module is SqliteModule {
  if (typeof module !== 'object' || module === null || !('DatabaseSync' in module)) return false
  const [major = 0, minor = 0] = (process.versions['sqlite'] ?? '').split('.').map(Number)
  return major > 3 || (major === 3 && minor >= 51)
}

/** node:sqlite where the running Node has a recent one, else the same API from `@photostructure/sqlite`. */
export async function loadSqlite(): Promise<SqliteModule> {
  const builtIn: unknown = process.getBuiltinModule('node:sqlite')
  return isUsable(builtIn) ? builtIn : await import('@photostructure/sqlite')
}

/** How to bind parameters: the built-in module binds whole numbers as reals, the package as integers. */
export function binderFor({ DatabaseSync }: SqliteModule): (value: unknown) => unknown {
  const memory = new DatabaseSync(':memory:')
  const [row] = memory.prepare("select typeof(?) = 'real' as reals").all(1)
  memory.close()
  return row?.reals === 1 ? bindableAsInteger : bindable
}
