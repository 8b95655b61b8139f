import { defineConfig } from 'vitest/config'

/** Packages are tested from their sources (`source` condition), the system from what is built. */
const project = (name: string, include: string, testTimeout = 20_000) => ({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: { name, include: [include], testTimeout, hookTimeout: 60_000, pool: 'forks' as const },
})

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      ...['contracts', 'core', 'admin', 'state', 'gateway', 'max-simulator'].map((name) =>
        project(name, `packages/${name}/src/**/*.test.ts`),
      ),
      project('scripts', 'scripts/**/*.test.ts'),
      project('system', 'test/**/*.test.ts', 120_000),
    ],
  },
})
