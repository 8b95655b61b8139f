// Prints `N passed, N failed[, N skipped]` from vitest's JSON report; fails when nothing ran.
import { readFileSync } from 'node:fs'

let report
try {
  report = JSON.parse(readFileSync(process.argv[2], 'utf8'))
} catch (error) {
  console.log(`The test runner left no report: ${error.message}`)
  process.exit(1)
}
const failedSuites = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
).length
const skipped = report.numPendingTests + report.numTodoTests
const failed = report.numFailedTests + failedSuites
console.log(
  `${report.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
)
process.exit(failed > 0 || report.numPassedTests === 0 ? 1 : 0)
