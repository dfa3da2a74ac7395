// npm leaves optional packages of other platforms out of package-lock.json when a registry does not offer them, and
// `npm ci` then refuses the file everywhere. This adds them by name and version; run it after `npm install`.
import { readFileSync, writeFileSync } from 'node:fs'

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'))
for (const [path, { optionalDependencies = {}, dev, license }] of Object.entries(lock.packages))
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const key = `node_modules/${name}`
    if (lock.packages[key] || lock.packages[`${path}/${key}`]) continue
    const [, os, cpu, abi] = /(android|darwin|linux|win32)-(arm64|arm|x64|ia32|ppc64|s390x)(?:-(\w+))?$/.exec(name)
    lock.packages[key] = {
      version,
      cpu: [cpu],
      ...(dev && { dev }),
      ...(os === 'linux' && { libc: [abi === 'musl' ? 'musl' : 'glibc'] }),
      ...(license && { license }),
      optional: true,
      os: [os],
    }
    console.log(`${name}@${version}`, JSON.stringify(lock.packages[key]))
  }
const [root, ...rest] = Object.entries(lock.packages)
lock.packages = Object.fromEntries([root, ...rest.sort(([a], [b]) => (a < b ? -1 : 1))])
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`)
