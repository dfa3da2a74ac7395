// Compiles to dist/ and bundles the workflows, so that a worker starts without a bundler.
import { execFileSync } from 'node:child_process'
import { copyFileSync, rmSync, writeFileSync } from 'node:fs'

rmSync('dist', { recursive: true, force: true })
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
copyFileSync('temporal/failure-converter.cjs', 'dist/temporal/failure-converter.cjs')
const { bundleWorkflows } = await import('../dist/temporal/bundle.js')
const code = await bundleWorkflows()
writeFileSync('dist/workflow-bundle.js', code)
process.stdout.write(`dist/ is built; the workflow bundle has ${(code.length / 1048576).toFixed(2)} MiB\n`)
