/**
 * `npm run backup -- <folder>`, `npm run restore -- <folder>`: the embedded stores, while the services run, and back while
 * they do not. `--data <folder>` names the stores' folder, else POTOK_DATA_DIR. PostgreSQL has tools of its own.
 */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { readEnvironment } from '@potok/core/config'
import { BackupRefused, backUpFile, DatabaseInUse, restoreFile } from '@potok/core/database'

/**
 * The gateway first: what its inbox still holds is worked again, which the later states know. The states last: the
 * documents of admin are then never newer than the states that they mirror, and take the next version.
 */
const STORES = ['gateway', 'admin', 'state']

interface Inventory {
  takenAt: string
  stores: Record<string, { bytes: number; sha256: string }>
}

const INVENTORY = 'backup.json'

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

async function backUp(folder: string, data: string): Promise<void> {
  const there = STORES.filter((name) => existsSync(join(data, `${name}.sqlite`)))
  if (there.length === 0) throw new BackupRefused(`There is no store in ${data}`)
  const inventory: Inventory = { takenAt: new Date().toISOString(), stores: {} }
  for (const name of there) {
    const from = performance.now()
    const target = join(folder, `${name}.sqlite`)
    const { bytes } = await backUpFile(join(data, `${name}.sqlite`), target)
    inventory.stores[name] = { bytes, sha256: await digestOf(target) }
    const seconds = ((performance.now() - from) / 1000).toFixed(1)
    console.log(`${name}.sqlite: ${(bytes / 1_048_576).toFixed(1)} MiB in ${seconds} s`)
  }
  // Last: a folder without it is a backup that was not finished.
  writeFileSync(join(folder, INVENTORY), `${JSON.stringify(inventory, null, 2)}\n`)
}

async function restore(folder: string, data: string): Promise<void> {
  const file = join(folder, INVENTORY)
  if (!existsSync(file)) throw new BackupRefused(`There is no ${file}: no finished backup`)
  const inventory = JSON.parse(readFileSync(file, 'utf8')) as Inventory
  for (const [name, { sha256 }] of Object.entries(inventory.stores)) {
    const backup = join(folder, `${name}.sqlite`)
    if (existsSync(backup) && (await digestOf(backup)) !== sha256) {
      throw new BackupRefused(`${backup} is not what was backed up`)
    }
    await restoreFile(backup, join(data, `${name}.sqlite`))
    console.log(`${name}.sqlite: as of ${inventory.takenAt}`)
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { data: { type: 'string' } },
})
const [command, folder] = positionals
const work = { backup: backUp, restore }[command ?? '']
if (work === undefined || folder === undefined) {
  console.error('npm run backup -- <folder> [--data <folder>]; npm run restore -- <folder> …')
  process.exit(1)
}
const data = values.data ?? readEnvironment(process.env)['POTOK_DATA_DIR'] ?? './data'
try {
  await work(resolve(folder), resolve(data))
} catch (error) {
  if (!(error instanceof BackupRefused) && !(error instanceof DatabaseInUse)) throw error
  console.error(error.message)
  process.exit(1)
}
