/**
 * `npm run start:prod [-- gateway|state|admin]`: what is built, as an image runs it. One service runs in this very
 * process, so that signals, logs and the exit code are its own; without a name the launcher runs all three.
 */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../system/root.ts'

const entries: Record<string, string> = {
  '': 'scripts/dist/launcher/main.js',
  gateway: 'packages/gateway/dist/main.js',
  state: 'packages/state/dist/main.js',
  admin: 'packages/admin/dist/main.js',
}

const [name = ''] = process.argv.slice(2)
const entry = entries[name]
if (entry === undefined) {
  console.error(`There is no ${name}: npm run start:prod [-- gateway|state|admin]`)
  process.exit(1)
}
process.env['NODE_ENV'] = 'production'
await import(pathToFileURL(resolve(root, entry)).href)
