/**
 * `npm run generate`: `.env.example` and `docs/configuration.md` out of the configuration schemas.
 * With `--check` nothing is written and a stale file is an error.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { configurationPage, environmentExample } from './configuration.ts'

const files = { '.env.example': environmentExample(), 'docs/configuration.md': configurationPage() }
const check = process.argv.includes('--check')
const stale = Object.entries(files).filter(
  ([file, text]) => !existsSync(file) || readFileSync(file, 'utf8') !== text,
)
if (check && stale.length > 0) {
  console.error(`Stale: ${stale.map(([file]) => file).join(', ')}. Run: npm run generate`)
  process.exit(1)
}
for (const [file, text] of stale) writeFileSync(file, text)
console.log(
  stale.length === 0
    ? 'All generated files are current.'
    : `Written: ${stale.map(([file]) => file).join(', ')}`,
)
