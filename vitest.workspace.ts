import { defineConfig } from 'vitest/config'

/**
 * CI shares its two cores with throw-away servers that are killed and started: a test that fails is tried once more, and
 * the report says that it was.
 */
const retry = process.env['CI'] === 'true' ? 1 : 0

/** Packages are tested from their sources (`source` condition), the system from what is built. */
const project = (
  name: string,
  include: string,
  { testTimeout = 20_000, setupFiles = [] }: { testTimeout?: number; setupFiles?: string[] } = {},
) => ({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    name,
    include: [include],
    retry,
    testTimeout,
    setupFiles,
    hookTimeout: 60_000,
    pool: 'forks' as const,
  },
})

/** CI reads the totals from here. */
const report = process.env['VITEST_REPORT']

export default defineConfig({
  test: {
    // One more than CI has cores: system tests wait for processes more than they compute.
    maxWorkers: 3,
    // `npm run test:cov`. What the system tests run is built, in processes of its own: it does not count.
    coverage: {
      include: ['packages/*/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/testing/**', 'packages/*/src/main.ts'],
      reporter: ['text-summary', 'html', 'lcov'],
    },
    ...(report === undefined
      ? {}
      : { reporters: ['default', 'json'], outputFile: { json: report } }),
    projects: [
      ...['contracts', 'core', 'admin', 'state', 'gateway', 'max-simulator'].map((name) =>
        project(name, `packages/${name}/src/**/*.test.ts`),
      ),
      project('scripts', 'scripts/**/*.test.ts'),
      project('system', 'test/**/*.test.ts', {
        testTimeout: 120_000,
        // Every answer is held against the OpenAPI document of whoever gave it.
        setupFiles: ['./test/documented/setup.ts'],
      }),
    ],
  },
})
