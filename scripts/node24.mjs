// Prints the folder of a Node 24 binary, fetched once as an npm package into the user's cache. For tests only.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const version = '24.21.0'
const name = `node-${process.platform}-${process.arch}`
const cache = process.env.STEWARD_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'steward')
const folder = join(cache, `${name}-${version}`)
if (!existsSync(join(folder, 'bin', 'node'))) {
  mkdirSync(cache, { recursive: true })
  const work = mkdtempSync(join(cache, 'node24-'))
  try {
    const packed = execFileSync('npm', ['pack', '--silent', `${name}@${version}`], { cwd: work, encoding: 'utf8' })
    execFileSync('tar', ['-xzf', packed.trim()], { cwd: work })
    if (!existsSync(folder)) renameSync(join(work, 'package'), folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
process.stdout.write(join(folder, 'bin'))
