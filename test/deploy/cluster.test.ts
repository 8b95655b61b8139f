import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { describeService } from '@potok/core/testing/services'
import { clusterBundle, clusterConfiguration } from '../../scripts/generate/cluster.ts'
import { root } from '../../scripts/system/root.ts'
import {
  BY_PORT,
  containersOf,
  flatManifests,
  FOREIGN_VARIABLES,
  kubectl,
  kustomized,
  read,
  refusesItsDefault,
  SCHEMAS,
  servicePart,
  type Manifest,
} from './shipped.ts'

const run = promisify(execFile)
const FOLDERS = ['deploy/k8s/base', 'deploy/k8s/overlays/production', 'deploy/k8s/overlays/trial']

/** Where the package of Kubernetes' schemas keeps a kind; the operator's kinds are in one of their own. */
function moduleOf({ apiVersion }: Manifest): string {
  const library = apiVersion.startsWith('monitoring.coreos.com/')
    ? '@kubernetes-models/prometheus-operator'
    : 'kubernetes-models'
  return `${library}/${apiVersion}`
}

const nameOf = ({ kind, metadata }: Manifest): string => `${kind}/${metadata.name}`

/** Complaints of the schemas: types, required fields, closed sets. */
async function schemaFaults(manifest: Manifest): Promise<string[]> {
  const module = (await import(`${moduleOf(manifest)}/${manifest.kind}`)) as Record<
    string,
    new (data: unknown) => { validate(): void }
  >
  const Model = module[manifest.kind]
  if (Model === undefined) return [`${nameOf(manifest)}: of a kind that nobody knows`]
  try {
    new Model(manifest).validate()
    return []
  } catch (error) {
    return [`${nameOf(manifest)}: ${error instanceof Error ? error.message : String(error)}`]
  }
}

/** Fields that no schema knows. The schemas let them pass; the compiler does not, given each object as a literal. */
async function unknownFields(all: readonly Manifest[]): Promise<string> {
  const folder = mkdtempSync(join(root, 'test/deploy/.manifests-'))
  const lines = all.map(
    (manifest, nth) =>
      `import type { I${manifest.kind} as T${nth} } from '${moduleOf(manifest)}/${manifest.kind}'\n` +
      `export const m${nth}: T${nth} = ${JSON.stringify(manifest)} // ${nameOf(manifest)}\n`,
  )
  try {
    writeFileSync(join(folder, 'manifests.ts'), lines.join(''))
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          module: 'nodenext',
          strict: true,
          noEmit: true,
          skipLibCheck: true,
          types: [],
        },
        files: ['manifests.ts'],
      }),
    )
    const { stdout } = await run('npx', ['tsc', '-p', folder], { cwd: root }).catch(
      (error: { stdout: string }) => error,
    )
    return stdout
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const byName = (all: readonly Manifest[]): Map<string, Manifest> =>
  new Map(all.map((one) => [nameOf(one), one]))

describe('what kubectl apply -f deploy/k8s/ takes', () => {
  const all = flatManifests()
  const named = byName(all)

  test('is generated', () => {
    expect(read('deploy/k8s/potok.yaml')).toBe(clusterBundle())
    expect(read('deploy/k8s/base/config.yaml')).toBe(clusterConfiguration())
  })

  test('is valid by the schemas of Kubernetes', async () => {
    expect((await Promise.all(all.map(schemaFaults))).flat()).toEqual([])
  })

  test('has no field that Kubernetes does not know', async () => {
    const [first] = all
    const wrong = { ...first, spelt: 'wrong' }

    expect(await unknownFields(all)).toBe('')
    expect(await unknownFields([wrong as unknown as Manifest])).toMatch(
      /'"?spelt"?' does not exist/u,
    )
  }, 60_000)

  test.each(['potok-gateway', 'potok-state', 'potok-admin'])('has %s, under its label', (name) => {
    expect(named.get(`Deployment/${name}`)?.metadata.labels?.['app']).toBe(name)
    expect(named.has(`Service/${name}`)).toBe(true)
    expect(named.has(`PodDisruptionBudget/${name}`)).toBe(true)
    expect(named.has(`NetworkPolicy/${name}`)).toBe(true)
  })

  test('scales the gateway from 2 to 10, at 70 % of the CPU or 80 % of the memory', () => {
    expect(named.get('HorizontalPodAutoscaler/potok-gateway')?.spec).toMatchObject({
      minReplicas: 2,
      maxReplicas: 10,
      metrics: [
        { resource: { name: 'cpu', target: { averageUtilization: 70 } } },
        { resource: { name: 'memory', target: { averageUtilization: 80 } } },
      ],
    })
    expect(named.get('Deployment/potok-gateway')?.spec).not.toHaveProperty('replicas')
  })

  test('runs every container as the restricted profile wants it, with bounds', () => {
    for (const { spec } of all) {
      if (spec?.template === undefined) continue
      expect(spec.template.spec).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      })
    }
    for (const container of containersOf(all)) {
      expect(container).toMatchObject({
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        resources: { limits: { memory: expect.any(String) as string } },
      })
    }
  })

  test('gives a pod the time that its shutdown takes', () => {
    for (const name of ['gateway', 'state', 'admin'] as const) {
      const pod = named.get(`Deployment/potok-${name}`)?.spec?.template?.spec
      const settings = named.get(`ConfigMap/potok-${name}`)?.data ?? {}
      const [, preStop] = /setTimeout\(\(\) => \{\}, (\d+)\)/u.exec(JSON.stringify(pod)) ?? []
      const needed = [settings['SHUTDOWN_DELAY_MS'], settings['SHUTDOWN_TIMEOUT_MS'], preStop]
      const sum = needed.reduce((total, one) => total + Number(one), 0)

      expect(sum).toBeGreaterThan(10_000)
      expect(Number(pod?.terminationGracePeriodSeconds) * 1000).toBeGreaterThan(sum)
    }
  })

  test('tells every container only what its process reads, and everything without a default', () => {
    for (const container of containersOf(all)) {
      const service = servicePart(container.image)
      if (service === undefined || container.command !== undefined) continue
      const { properties } = SCHEMAS[service]
      const settings = named.get(`ConfigMap/potok-${service}`)?.data ?? {}
      const told = [...Object.keys(settings), ...(container.env ?? []).map(({ name }) => name)]
      const weak = Object.entries(properties).flatMap(([name, schema]) =>
        refusesItsDefault(schema) && !told.includes(name) ? [name] : [],
      )

      expect(told.filter((name) => !(name in properties))).toEqual(
        told.filter((name) => FOREIGN_VARIABLES.includes(name)),
      )
      // WEBHOOK_SECRET_KEY may be absent altogether, and is told when it is there.
      expect(weak).toEqual([])
      expect(container.ports).toEqual([{ name: 'http', containerPort: portOf(service) }])
    }
  })

  test('hides from outside what nginx hides', () => {
    const rules = JSON.stringify(named.get('Ingress/potok-gateway')?.spec)

    for (const path of ['/api/v1/internal', '/api/v1/metrics', '/api/v1/health']) {
      expect(rules).toContain(`{"path":"${path}",`)
    }
  })

  test('has no secret in it', () => {
    expect(all.filter(({ kind }) => kind === 'Secret')).toEqual([])
    for (const service of ['gateway', 'state', 'admin'] as const) {
      const settings = Object.keys(named.get(`ConfigMap/potok-${service}`)?.data ?? {})
      const secret = settings.filter(
        (name) => SCHEMAS[service].properties[name]?.['secret'] === true,
      )
      expect(secret).toEqual([])
    }
  })
})

const portOf = (service: 'admin' | 'gateway' | 'state'): number =>
  Number(Object.entries(BY_PORT).find(([, name]) => name === service)?.[0])

const kustomize = {
  name: 'kubectl',
  install: 'set KUBECTL to its binary',
  isInstalled: () => kubectl() !== undefined,
}
describeService(kustomize, 'what kubectl kustomize makes', () => {
  let made: Map<string, Manifest[]>
  beforeAll(async () => {
    made = new Map(
      await Promise.all(FOLDERS.map(async (folder) => [folder, await kustomized(folder)] as const)),
    )
  })

  test('of the base is what the one file says', () => {
    expect(byName(made.get('deploy/k8s/base') ?? [])).toEqual(byName(flatManifests()))
  })

  test('of every overlay is valid and has no unknown field', async () => {
    const all = FOLDERS.flatMap((folder) => made.get(folder) ?? [])

    expect(all.length).toBeGreaterThan(60)
    expect((await Promise.all(all.map(schemaFaults))).flat()).toEqual([])
    expect(await unknownFields(all)).toBe('')
  }, 60_000)

  test('of production has TLS, a host, images of a registry and the monitors', () => {
    const named = byName(made.get('deploy/k8s/overlays/production') ?? [])

    expect(named.get('Ingress/potok-gateway')?.spec).toMatchObject({
      tls: [{ hosts: ['potok.example.org'] }],
      rules: [{ host: 'potok.example.org' }],
    })
    expect(named.has('ServiceMonitor/potok-gateway')).toBe(true)
    const ours = containersOf([...named.values()]).map(({ image }) => image)
    expect(ours.every((image) => image.startsWith('registry.example.org/potok-'))).toBe(true)
  })

  test('of the trial brings its own stores', () => {
    const named = byName(made.get('deploy/k8s/overlays/trial') ?? [])

    expect(named.has('StatefulSet/potok-postgres')).toBe(true)
    expect(named.get('ConfigMap/potok-gateway')?.data).toMatchObject({ REDIS_HOST: 'potok-redis' })
  })
})
