import { execFile } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../system/root.ts'

interface LockedPackage {
  version?: string
  dev?: boolean
  link?: boolean
  license?: string
  integrity?: string
  resolved?: string
}

/** Name and entry of every package that npm says it installed. */
function installed(system: string): [name: string, entry: LockedPackage][] {
  const lock = JSON.parse(
    readFileSync(join(system, 'app/node_modules/.package-lock.json'), 'utf8'),
  ) as { packages: Record<string, LockedPackage> }
  return Object.entries(lock.packages)
    .filter(([path, { link }]) => path.includes('node_modules/') && link !== true)
    .map(([path, entry]) => [path.slice(path.lastIndexOf('node_modules/') + 13), entry])
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** What should not be in an image, in words. */
export function faultsOf(system: string, service: string): string[] {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  const tools = ['typescript', 'vitest', 'oxlint', 'oxfmt', 'knip', 'kubernetes-models']
  const missing = tools.filter((tool) => !(tool in devDependencies))
  const names = installed(system)
  const here = filesBelow(join(system, 'app')).map((file) => file.slice(system.length))
  const ours = here.filter((file) => !file.includes('/node_modules/'))
  const wanted = new RegExp(
    String.raw`^/app/(?:package\.json|packages/[a-z-]+/package\.json|packages/(?:contracts|core|${service})/dist/.*)$`,
    'u',
  )
  return [
    ...missing.map((tool) => `${tool} is no tool of ours any more: this check looks for nothing`),
    ...names.filter(([, { dev }]) => dev === true).map(([name]) => `a tool is inside: ${name}`),
    ...names.filter(([name]) => tools.includes(name)).map(([name]) => `a tool is inside: ${name}`),
    ...ours.filter((file) => !wanted.test(file)).map((file) => `not asked for: ${file}`),
    ...ours.filter((file) => /\.test\.|\/testing\//u.test(file)).map((file) => `a test: ${file}`),
  ]
}

const COMPONENT_HASH = /^sha512-(?<base64>.+)$/u

function componentOf([name, entry]: [string, LockedPackage]): object {
  const { version = '', license, integrity = '' } = entry
  const base64 = COMPONENT_HASH.exec(integrity)?.groups?.['base64']
  const content = base64 === undefined ? '' : Buffer.from(base64, 'base64').toString('hex')
  return {
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    licenses: license === undefined ? [] : [{ expression: license }],
    hashes: content === '' ? [] : [{ alg: 'SHA-512', content }],
  }
}

/** The packages inside as a CycloneDX 1.5 bill of materials. `npm sbom` leaves out what other workspaces share. */
export function billOfMaterials(system: string, service: string): object {
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: { type: 'container', name: `potok-${service}` } },
    components: installed(system).map(componentOf),
  }
}

/** @returns packages and mebibytes that ship above the base image */
export async function sizeOf(system: string): Promise<{ packages: number; mebibytes: number }> {
  const { stdout } = await promisify(execFile)('du', ['-sk', join(system, 'app')])
  return {
    packages: installed(system).length,
    mebibytes: Math.round(Number.parseInt(stdout, 10) / 1024),
  }
}
