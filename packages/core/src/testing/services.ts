/** Suites over servers that a machine may not have: skipped where everybody sees it, or failed when asked for. */
// oxlint-disable vitest/no-conditional-tests, vitest/valid-title, vitest/valid-describe-callback, vitest/no-disabled-tests -- this file makes suites
import { describe, expect, test } from 'vitest'
import type { OptionalService } from './programs.ts'

/** With `REQUIRE_SERVICES=1` a missing server fails the run instead of being skipped. */
// oxlint-disable-next-line node/no-process-env -- a switch of the test run, not of a process of ours
const required = (): boolean => process.env['REQUIRE_SERVICES'] === '1'

/** `describe` for a suite that needs a server. */
export function describeService(
  { name, install, isInstalled }: OptionalService,
  title: string,
  suite: () => void,
): void {
  if (isInstalled()) {
    describe(title, suite)
    return
  }
  if (!required()) {
    describe.skip(`${title} (skipped: no ${name} here; ${install})`, suite)
    return
  }
  describe(title, () => {
    test(`${name} is installed`, () => {
      expect.fail(`REQUIRE_SERVICES=1 and no ${name} here: ${install}`)
    })
  })
}
