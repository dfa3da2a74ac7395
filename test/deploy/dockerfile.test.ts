import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { buildParser, outcome, root } from './parsers.ts'

const Parsed = z.object({
  CmdLine: z.array(z.string()).nullish(),
  PrependShell: z.boolean().optional(),
  From: z.string().optional(),
  SourcePaths: z.array(z.string()).nullish(),
  User: z.string().optional(),
  Health: z.object({ Test: z.array(z.string()) }).optional(),
  Path: z.string().optional(),
})
const Dockerfile = z.object({
  stages: z.array(
    z.object({
      name: z.string(),
      base: z.string(),
      instructions: z.array(z.object({ name: z.string(), text: z.string(), parsed: Parsed })),
    }),
  ),
  args: z.array(z.string()),
  findings: z.array(z.string()),
})

let parser: string
let stages: z.infer<typeof Dockerfile>['stages']
let args: string[]
let findings: string[]
let scratch: string

beforeAll(async () => {
  parser = await buildParser('dockerfile')
  const { code, stdout, stderr } = await outcome(parser, ['parse', join(root, 'Dockerfile')])
  if (code !== 0) throw new Error(stderr)
  ;({ stages, args, findings } = Dockerfile.parse(JSON.parse(stdout)))
  scratch = await mkdtemp(join(tmpdir(), 'steward-image-'))
}, 300_000)
afterAll(() => rm(scratch, { recursive: true, force: true }))

const instructions = (name: string) => stages.flatMap((stage) => stage.instructions).filter((one) => one.name === name)
const final = () => stages.at(-1)?.instructions ?? []

describe('Dockerfile', () => {
  it('has nothing that BuildKit warns about', () => {
    expect(findings).toEqual([])
  })

  it('builds in stages, all from one exact Node image', () => {
    const own = stages.map(({ name }) => name)
    expect(own).toEqual(['deps', 'build', 'prune', 'runtime'])
    const bases = new Set(stages.map(({ base }) => base).filter((base) => !own.includes(base)))
    expect([...bases]).toEqual([expect.stringMatching(/^node:24\.\d+\.\d+-bookworm-slim$/)])
  })

  it('ends as a user without rights over its own program', () => {
    const [user, ...more] = final().filter(({ name }) => name === 'USER')
    expect(more).toEqual([])
    expect(Number(user?.parsed.User?.split(':')[0])).toBeGreaterThan(0)
    expect(instructions('COPY').filter(({ text }) => /--chown|--chmod/.test(text))).toEqual([])
  })

  it('takes only the program and its production dependencies into the last stage', () => {
    const copied = final().flatMap(({ name, parsed }) => (name === 'COPY' ? [[parsed.From, parsed.SourcePaths]] : []))
    expect(copied).toEqual([
      ['', ['package.json']],
      ['prune', ['/app/node_modules']],
      ['', ['bin']],
      ['build', ['/app/dist']],
    ])
  })

  it('fetches nothing by address and holds no secret', () => {
    expect(instructions('ADD')).toEqual([])
    const settings = [...instructions('ENV'), ...instructions('ARG')].map(({ text }) => text)
    expect([...settings, ...args]).toEqual(['ENV NODE_ENV=production'])
  })

  it('installs what the lock file says, without running scripts of packages', () => {
    const npm = instructions('RUN')
      .flatMap(({ parsed }) => parsed.CmdLine ?? [])
      .filter((line) => line.startsWith('npm '))
    expect(npm.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'npm ci --ignore-scripts',
      'npm run build',
      'npm prune --omit=dev',
    ])
    expect(npm.filter((line) => !line.startsWith('npm run') && !line.includes('--ignore-scripts'))).toEqual([])
  })

  it('installs from a lock file without holes, which `npm ci` would refuse', async () => {
    const Lock = z.object({
      packages: z.record(z.string(), z.object({ optionalDependencies: z.record(z.string(), z.string()).default({}) })),
    })
    const { packages } = Lock.parse(JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')))
    const holes = Object.entries(packages).flatMap(([path, { optionalDependencies }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
      ),
    )
    expect(holes).toEqual([])
  })

  it('builds with a script that package.json has, and starts a file that it names', async () => {
    const { scripts, bin } = z
      .object({ scripts: z.record(z.string(), z.string()), bin: z.record(z.string(), z.string()) })
      .parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
    expect(Object.keys(scripts)).toContain('build')
    expect(final().find(({ name }) => name === 'ENTRYPOINT')?.parsed.CmdLine).toEqual(['node', bin.steward])
  })

  it('tells its health by /readyz', () => {
    const test = final().find(({ name }) => name === 'HEALTHCHECK')?.parsed.Health?.Test ?? []
    expect(test.slice(0, 3)).toEqual(['CMD', 'node', '-e'])
    expect(test[3]).toContain('http://127.0.0.1:8774/readyz')
  })
})

describe('the step that keeps one platform of the Temporal core', () => {
  /** Runs the step's own shell line on a copy of the SDK's layout, as if on `machine`. */
  async function prune(machine: string, platforms: readonly string[]) {
    const app = await mkdtemp(join(scratch, 'app-'))
    const core = join(app, 'node_modules/@temporalio/core-bridge')
    for (const folder of ['lib', 'src', 'sdk-core', ...platforms.map((platform) => `releases/${platform}`)]) {
      await mkdir(join(core, folder), { recursive: true })
      await writeFile(join(core, folder, folder.startsWith('releases/') ? 'index.node' : 'file'), '')
    }
    await mkdir(join(app, 'path'))
    await writeFile(join(app, 'path/uname'), `#!/bin/sh\necho ${machine}\n`, { mode: 0o755 })

    const [line] = instructions('RUN').flatMap(({ parsed }) =>
      (parsed.CmdLine ?? []).filter((l) => l.includes('core-bridge')),
    )
    const { code } = await outcome('/bin/sh', ['-c', line ?? 'exit 99'], {
      cwd: app,
      env: { PATH: `${join(app, 'path')}:${process.env.PATH}` },
    })
    return { code, left: (await readdir(core)).sort(), platforms: (await readdir(join(core, 'releases'))).sort() }
  }
  const shipped = () => readdir(join(root, 'node_modules/@temporalio/core-bridge/releases'))

  it.each(['x86_64', 'aarch64'])('leaves only the one for %s, and what Node loads', async (machine) => {
    expect(await prune(machine, await shipped())).toEqual({
      code: 0,
      left: ['lib', 'releases'],
      platforms: [`${machine}-unknown-linux-gnu`],
    })
  })

  it('leaves the one that the SDK looks for on this machine', async () => {
    const sdk: unknown = createRequire(import.meta.url)('@temporalio/core-bridge/common')
    const { getPrebuiltTargetName, archAlias } = sdk as {
      getPrebuiltTargetName(): string
      archAlias: Record<string, string>
    }
    const { platforms } = await prune(archAlias[process.arch] ?? '', await shipped())
    expect(platforms).toEqual([getPrebuiltTargetName()])
  })

  it('fails when the SDK has none for this machine, and removes nothing', async () => {
    const platforms = await shipped()
    expect(await prune('riscv64', platforms)).toMatchObject({ code: 1, platforms: platforms.sort() })
  })
})

describe('.dockerignore', () => {
  const ignored = async (paths: string[]) => {
    const { stdout } = await outcome(parser, ['ignored', join(root, '.dockerignore'), ...paths])
    return z.array(z.string()).parse(JSON.parse(stdout))
  }

  it('keeps secrets, state and history out of the build', async () => {
    const paths = [
      '.env',
      '.env.local',
      'deploy/secrets/steward_keys',
      '.steward/keys.json',
      '.git/config',
      'node_modules/x',
    ]
    expect(await ignored(paths)).toEqual(paths)
  })

  it('lets everything in that the build needs', async () => {
    const { include } = z
      .object({ include: z.array(z.string()) })
      .parse(JSON.parse(await readFile(join(root, 'tsconfig.json'), 'utf8')))
    expect(include).toEqual(['**/*.ts'])
    const entries = await readdir(root, { withFileTypes: true })
    const needed = entries.flatMap((entry) =>
      entry.isDirectory()
        ? ['.git', 'node_modules', 'dist', 'deploy', 'test', 'bench', 'docs', 'examples'].includes(entry.name) ||
          entry.name.startsWith('.')
          ? []
          : [`${entry.name}/some.ts`]
        : /\.(ts|json)$|^\.npmrc$/.test(entry.name)
          ? [entry.name]
          : [],
    )
    expect(needed).toContain('package-lock.json')
    expect(await ignored(needed)).toEqual([])
  })
})
