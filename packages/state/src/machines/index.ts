/**
 * Machines: the transition rules of every entity type, as data. `app.machines` tells the states plugin what is allowed.
 */
import fp from 'fastify-plugin'
import { createCatalog, type Catalog } from './catalog.ts'
import { createReplacement } from './replacement.ts'
import { createRestoring, type Restoring } from './restoring.ts'
import { createMachineRows } from './rows.ts'
import { routes } from './routes.ts'

export { holdsElement } from './array-elements.ts'
export { builtInRules } from './built-in.ts'
export type { Catalog } from './catalog.ts'
export { unknownEntity } from './errors.ts'
export { membersOf, metadataText } from './metadata-index.ts'
export type { Rules } from './rules.ts'

export interface MachinesOptions {
  /** Entity types of the users' own, at most. */
  machineLimit?: number
}

declare module 'fastify' {
  interface FastifyInstance {
    machines: Pick<Catalog, 'known' | 'rules' | 'rulesFor'> & Restoring
  }
}

export default fp<MachinesOptions>(
  async (app, { machineLimit = 500 }) => {
    const { store } = app
    const rows = createMachineRows(store)
    const catalog = createCatalog(rows)
    const { isBuiltIn } = catalog
    const deps = { store, rows, isBuiltIn, machineLimit }
    app.decorate('machines', { ...catalog, ...createRestoring(deps) })
    await app.register(routes, {
      prefix: '/api/v1/machines',
      catalog,
      replacement: createReplacement(deps),
    })
  },
  {
    name: '@potok/state/machines',
    fastify: '5.x',
    dependencies: ['@potok/api-key', '@potok/state/store'],
  },
)
