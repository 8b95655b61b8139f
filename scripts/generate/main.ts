/**
 * `npm run generate`: what is written out of the code: the settings for people, containers and clusters, the dashboards.
 * With `--check` nothing is written and a stale file is an error.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { clusterBundle, clusterConfiguration } from './cluster.ts'
import { configurationPage, environmentExample } from './configuration.ts'
import { dashboards } from './dashboards.ts'

const files = {
  '.env.example': environmentExample(),
  'docs/configuration.md': configurationPage(),
  'deploy/k8s/base/config.yaml': clusterConfiguration(),
  'deploy/k8s/potok.yaml': clusterBundle(),
  ...dashboards(),
}
const check = process.argv.includes('--check')
const stale = Object.entries(files).filter(
  ([file, text]) => !existsSync(file) || readFileSync(file, 'utf8') !== text,
)
if (check && stale.length > 0) {
  console.error(`Stale: ${stale.map(([file]) => file).join(', ')}. Run: npm run generate`)
  process.exit(1)
}
for (const [file, text] of stale) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
console.log(
  stale.length === 0
    ? 'All generated files are current.'
    : `Written: ${stale.map(([file]) => file).join(', ')}`,
)
