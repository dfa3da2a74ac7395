// The demo's first step needs nothing but Node: it installs the project's packages if they are missing, then plays.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 20)) {
  console.error(`Node ${process.versions.node} is too old: install Node 20.20 or newer (24 is recommended)`)
  process.exit(1)
}
const usage = `npm run demo [-- OPTIONS]: a real OpenStack, Alertmanager, Temporal and Steward, and four stories

  --keep  leave all of it running until Ctrl-C, and print URLs and credentials
  --help  print this

DEMO_BASE_PORT: the first of its ports (19100)`
try {
  const { values } = parseArgs({ options: { keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } })
  if (values.help) {
    console.log(usage)
    process.exit(0)
  }
} catch (error) {
  console.error(`${error.message}\n\n${usage}`)
  process.exit(1)
}
if (!existsSync(`${root}/node_modules/tsx`)) {
  console.log('installing the packages of package-lock.json …')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
// Ctrl-C reaches both; the demo stops what it started, and this waits for it
process.on('SIGINT', () => undefined)
const demo = spawn(process.execPath, ['--import', 'tsx', 'demo/main.ts', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})
demo.once('exit', (code) => {
  process.exitCode = code ?? 1
})
