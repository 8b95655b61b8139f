import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * CI shares its two cores with throw-away servers that are killed and started: a test that fails is tried once more, and
 * the report says that it was.
 */
const retry = process.env['CI'] === 'true' ? 1 : 0

/** Packages are tested from their sources (`source` condition), the system from what is built. */
const project = (
  name: string,
  include: string,
  {
    testTimeout = 20_000,
    setupFiles = [],
    isolate = true,
  }: { testTimeout?: number; setupFiles?: string[]; isolate?: boolean } = {},
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
    isolate,
    // A second, the default, is short on two busy cores; who finds what they wait for does not wait for the rest.
    expect: { poll: { timeout: 10_000 } },
    pool: 'forks' as const,
  },
})

/**
 * The system's files first, as they are long, then package after package: a process that has run one file of a package
 * runs the next with what it has imported, as long as that is what comes next.
 */
class ByProject extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- a method of vitest's
    const sorted = await super.sort(files)
    const names = ['system', ...new Set(sorted.map(({ project: { name } }) => name))]
    return sorted.toSorted(
      (one, other) => names.indexOf(one.project.name) - names.indexOf(other.project.name),
    )
  }
}

/** CI reads the totals from here. */
const report = process.env['VITEST_REPORT']

export default defineConfig({
  test: {
    // One more than CI has cores: system tests wait for processes more than they compute.
    maxWorkers: 3,
    sequence: { sequencer: ByProject },
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
        // Tests of core look at what a process has loaded: each of their files has one of its own.
        project(name, `packages/${name}/src/**/*.test.ts`, { isolate: name === 'core' }),
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
