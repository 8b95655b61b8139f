import type { SqliteModule } from '@photostructure/sqlite'
import { bindable, bindableAsInteger } from './late-value.ts'

/** The built-in module came with Node 22.5; `columns()`, which the adapter needs, a little later. */
function isUsable(module: unknown): module is SqliteModule {
  if (typeof module !== 'object' || module === null || !('StatementSync' in module)) return false
  const { StatementSync } = module
  return typeof StatementSync === 'function' && 'columns' in Object(StatementSync.prototype)
}

/** node:sqlite where the running Node has it, else the same API from `@photostructure/sqlite`. */
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
