/**
 * `npm run verify-images`: takes the steps of each Dockerfile without Docker, on a clean copy: what the image would hold,
 * does it start, is it healthy, does it stop. `--reuse` takes what the checkout has compiled (production dependencies are
 * always installed anew), `--sbom <folder>` writes what is inside, names choose images. `NODE_24` names the node that
 * runs it.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../system/root.ts'
import { tryImage } from './container.ts'
import { billOfMaterials, faultsOf, sizeOf } from './content.ts'
import { readDockerfile } from './dockerfile.ts'
import { createLayers } from './layers.ts'

const IMAGES = {
  gateway: 'Dockerfile.gateway',
  state: 'Dockerfile.state',
  admin: 'deploy/docker/Dockerfile.admin',
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { reuse: { type: 'boolean', default: false }, sbom: { type: 'string' } },
})
const chosen = Object.entries(IMAGES).filter(
  ([service]) => positionals.length === 0 || positionals.includes(service),
)
if (chosen.length === 0) {
  console.error(
    `npm run verify-images -- [${Object.keys(IMAGES).join('] [')}] [--reuse] [--sbom <folder>]`,
  )
  process.exit(1)
}
const workshop = mkdtempSync(join(tmpdir(), 'potok-images-'))
// The image's user must be able to enter.
chmodSync(workshop, 0o755)
const report: Record<string, object> = {}
const faults: string[] = []
try {
  const layers = await createLayers({ workshop, reuse: values.reuse })
  for (const [service, path] of chosen) {
    const from = performance.now()
    const image = readDockerfile(join(root, path))
    const system = await layers.image(image)
    const found = [
      ...faultsOf(system, service),
      ...(await tryImage(system, image, process.env['NODE_24'] ?? process.execPath)),
    ]
    faults.push(...found.map((fault) => `potok-${service}: ${fault}`))
    report[`potok-${service}`] = {
      ...(await sizeOf(system)),
      seconds: Math.round((performance.now() - from) / 100) / 10,
      faults: found.length,
    }
    if (values.sbom !== undefined) {
      mkdirSync(values.sbom, { recursive: true })
      const file = join(values.sbom, `potok-${service}.cdx.json`)
      writeFileSync(file, `${JSON.stringify(billOfMaterials(system, service), null, 2)}\n`)
    }
  }
} finally {
  rmSync(workshop, { recursive: true, force: true })
}
console.table(report)
for (const fault of faults) console.error(`FAULT ${fault}`)
process.exit(faults.length > 0 ? 1 : 0)
