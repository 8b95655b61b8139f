import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The checkout: this file runs from its source (tests) and from `scripts/dist` (npm scripts). */
export const root = ((): string => {
  let folder = import.meta.dirname
  while (!existsSync(join(folder, 'tsconfig.base.json'))) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error('This is not inside the checkout')
    folder = parent
  }
  return folder
})()
