// Adds up the reports of all test runs and prints the one line that counts. Arguments: folder, exit status so far.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [folder = '.', status = '1'] = process.argv.slice(2)
const sum = { passed: 0, failed: 0, skipped: 0 }
for (const file of existsSync(folder) ? readdirSync(folder) : []) {
  const report = JSON.parse(readFileSync(join(folder, file), 'utf8'))
  sum.passed += report.numPassedTests
  sum.failed += report.numFailedTests
  sum.skipped += report.numPendingTests + report.numTodoTests
  // a file that could not even be loaded has no failed test
  if (!report.success && report.numFailedTests === 0) sum.failed += report.numFailedTestSuites
}
const isFailure = Number(status) !== 0 || sum.failed > 0 || sum.skipped > 0 || sum.passed === 0
if (isFailure && sum.failed === 0) console.log(`failed: exit status ${status}, or skipped tests, which are not allowed`)
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exitCode = isFailure ? 1 : 0
