import { execFile } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse, parseAllDocuments } from 'yaml'
import type { TObject, TSchema } from '@sinclair/typebox'
import { Config as Admin } from '@potok/admin/config'
import { findProgram } from '@potok/core/testing/programs'
import { Config as Gateway } from '@potok/gateway/config'
import { Config as State } from '@potok/state/config'
import { root } from '../../scripts/system/root.ts'

const run = promisify(execFile)

/** The processes by the port that everything shipped knows them by. */
export const BY_PORT = { 3000: 'admin', 3001: 'gateway', 3002: 'state' } as const
export const SCHEMAS: Record<'admin' | 'gateway' | 'state', TObject> = {
  admin: Admin,
  gateway: Gateway,
  state: State,
}

/** Has a default that production does not take. */
export const refusesItsDefault = (property: TSchema): boolean =>
  'default' in property && (property['secret'] === true || 'developmentOnly' in property)

/** Variables of Node and of the PostgreSQL client: no process of ours reads them. */
export const FOREIGN_VARIABLES = ['NODE_EXTRA_CA_CERTS', 'PGPASSWORD']

export const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** A folder of `deploy/` and the files below it whose names end so. */
export const shippedFiles = (folder: string, ending: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => `${folder}/${file}`)

export interface ComposeService {
  image?: string
  ports?: string[]
  environment?: Record<string, string | number | boolean>
  healthcheck?: { test: string[] }
  depends_on?: string[] | Record<string, unknown>
  networks?: string[] | Record<string, unknown>
  [key: string]: unknown
}

export interface Compose {
  name?: string
  services: Record<string, ComposeService>
  networks?: Record<string, { internal?: boolean } | null>
}

export function compose(file: string): Compose {
  const parsed: Compose = parse(read(file), { merge: true })
  return parsed
}

interface Probe {
  httpGet?: { path: string; port: string | number }
}

export interface Container {
  name: string
  image: string
  command?: string[]
  ports?: { name: string; containerPort: number }[]
  env?: { name: string; value?: string }[]
  startupProbe?: Probe
  livenessProbe?: Probe
  readinessProbe?: Probe
  securityContext?: Record<string, unknown>
  resources?: Record<string, unknown>
}

export interface PodSpec {
  containers: Container[]
  initContainers?: Container[]
  terminationGracePeriodSeconds?: number
  automountServiceAccountToken?: boolean
  securityContext?: Record<string, unknown>
}

export interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string; labels?: Record<string, string> }
  data?: Record<string, string>
  spec?: Record<string, unknown> & { template?: { spec: PodSpec } }
}

const manifests = (text: string): Manifest[] =>
  parseAllDocuments(text).map((document) => {
    const parsed: Manifest = document.toJS()
    return parsed
  })

/** What `kubectl apply -f deploy/k8s/` takes. */
export const flatManifests = (): Manifest[] =>
  readdirSync(join(root, 'deploy/k8s'))
    .filter((file) => /\.(?:yaml|yml|json)$/u.test(file))
    .flatMap((file) => manifests(read(`deploy/k8s/${file}`)))

export const kubectl = (): string | undefined => process.env['KUBECTL'] ?? findProgram('kubectl')

/** What `kubectl apply -k` of a folder takes. */
export async function kustomized(folder: string): Promise<Manifest[]> {
  const { stdout } = await run(String(kubectl()), ['kustomize', join(root, folder)])
  return manifests(stdout)
}

/** Every container of the manifests with its pod. */
export const containersOf = (all: readonly Manifest[]): Container[] =>
  all.flatMap(({ spec }) => [
    ...(spec?.template?.spec.initContainers ?? []),
    ...(spec?.template?.spec.containers ?? []),
  ])

export const servicePart = (image: string): 'admin' | 'gateway' | 'state' | undefined => {
  const name = /potok-(?<name>admin|gateway|state)(?::|$)/u.exec(image)?.groups?.['name']
  return name === 'admin' || name === 'gateway' || name === 'state' ? name : undefined
}
