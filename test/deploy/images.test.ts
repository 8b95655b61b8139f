import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { readDockerfile } from '../../scripts/verify-images/dockerfile.ts'
import { root } from '../../scripts/system/root.ts'
import { read } from './shipped.ts'

/** One is tried here; `npm run verify-images` tries all three, and takes as many minutes. */
test('the image of the gateway holds what it should, starts, is healthy and stops', async () => {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [join(root, 'scripts/dist/verify-images/main.js'), 'gateway', '--reuse'],
    { cwd: root },
  )

  expect(stderr).toBe('')
  expect(stdout).toMatch(/potok-gateway .*│ 0 +│$/mu)
}, 240_000)

/** Without the list of manifests, which is the same in all. */
const steps = (file: string): string =>
  read(file)
    .split('\n')
    .filter((line) => !/^COPY packages\/\S+\/package\.json/u.test(line))
    .join('\n')

test.each([
  ['state', 'Dockerfile.state', '3002'],
  ['admin', 'deploy/docker/Dockerfile.admin', '3000'],
])('the image of %s is made in the same way', (name, file, port) => {
  const expected = steps('Dockerfile.gateway')
    .replaceAll('/api/v1/health', '/health')
    .replaceAll('gateway', name)
    .replaceAll('3001', port)

  expect(steps(file)).toBe(expected)
  expect(readDockerfile(join(root, file))).toMatchObject({ port: Number(port), user: 'node' })
})
