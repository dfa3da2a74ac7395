import { createHash, type Hash } from 'node:crypto'
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker'
import { failure, messageOf } from '../core/errors.ts'
import { compare } from '../policies/placement.ts'
import { cacheDir } from './cli-binary.ts'
import { failureConverterPath } from './data-converter.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const sandboxFolders = ['workflows', 'policies', 'core']

/** A module that has runbooks of an installation. */
export interface OwnModule {
  /** What people know it by: its file, or its package. */
  readonly from: string
  readonly file: string
  readonly text: string
  /** Of a declarative runbook: what its text was compiled to. */
  readonly document?: unknown
}

const ownModules = join(
  dirname(createRequire(import.meta.url).resolve('@temporalio/workflow/package.json')),
  '..',
  '..',
)
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'

export interface BundleOptions {
  /** For replays: every step that is asked for is told to a witness. @default false */
  readonly isWitnessed?: boolean
  /** For runs that are tested: their clock goes on by what they are told. @default false */
  readonly inVirtualTime?: boolean
}

/**
 * Bundles all workflows for the sandbox, and the runbooks of this installation with them, which import `steward/runbook`.
 * @param sources folder of `workflows`, `policies` and `core`, where they are not those of this program
 * @throws RUNBOOK_INVALID an own module that no bundle can be made of
 */
export async function bundleWorkflows(
  own: readonly OwnModule[] = [],
  { isWitnessed = false, inVirtualTime = false, sources = root }: BundleOptions & { readonly sources?: string } = {},
): Promise<string> {
  const builtIn = join(sources, 'workflows', `index.${extension}`)
  // one that is replayed against says which runbooks it has
  const entry = own.length === 0 && !isWitnessed ? undefined : await writeEntry(own, sources)
  const said: string[] = []
  try {
    const { code } = await bundleWorkflowCode({
      workflowsPath: entry ?? builtIn,
      preloadModules: [...(await pureModules(sources)), join(root, 'temporal', `shared-modules.${extension}`)],
      failureConverterPath,
      workflowInterceptorModules: [
        'declared',
        ...(isWitnessed ? ['witness'] : []),
        ...(inVirtualTime ? ['virtual-time'] : []),
      ].map((name) => join(sources, 'workflows', 'sdk', `${name}.${extension}`)),
      logger: entry ? new DefaultLogger('WARN', ({ message }) => said.push(message)) : new DefaultLogger('WARN'),
      webpackConfigHook: (config) => ({
        ...config,
        resolve: {
          ...config.resolve,
          // what own runbooks lie beside has neither the SDK nor zod
          modules: ['node_modules', ownModules],
          alias: {
            ...config.resolve?.alias,
            'steward/runbook': join(sources, 'workflows', 'sdk', `index.${extension}`),
          },
        },
      }),
    })
    return code
  } catch (error) {
    if (!entry) throw error
    const why = [messageOf(error), ...said]
      .join(' ')
      .replace(/\s+/g, ' ')
      .replace(/^.*?\bERROR in /, '')
      .slice(0, 1500)
    throw failure('RUNBOOK_INVALID', `the runbooks of this installation cannot be bundled: ${why}`)
  } finally {
    if (entry) await rm(dirname(entry), { recursive: true, force: true })
  }
}

/** The workflows that come with Steward, and own runbooks taken in beside them. */
async function writeEntry(own: readonly OwnModule[], sources: string): Promise<string> {
  const cache = cacheDir()
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'bundle-'))
  const inSources = (...path: string[]) => join(sources, 'workflows', ...path)
  const registry = inSources('sdk', `registry.${extension}`)
  const lines = [
    `import { registerOwn } from ${JSON.stringify(registry)}`,
    `import { declaredRunbook } from ${JSON.stringify(inSources('sdk', 'declared', `runbook.${extension}`))}`,
    ...own.map(({ file, document }, i) =>
      document === undefined
        ? `import * as own${i} from ${JSON.stringify(file)}`
        : `const own${i} = { default: declaredRunbook(${JSON.stringify(document)}) }`,
    ),
    `export * from ${JSON.stringify(inSources(`index.${extension}`))}`,
    `export { allCards as runbookCards } from ${JSON.stringify(registry)}`,
    `export const ownProblems = registerOwn([${own.map(({ from }, i) => `{ from: ${JSON.stringify(from)}, module: own${i} }`).join(', ')}])`,
  ]
  const file = join(folder, 'entry.mjs')
  await writeFile(file, lines.join('\n'))
  return file
}

/**
 * What workflows import of core and policies. It is pure, so that all workflows may share it; loaded anew for each, its
 * schemas would be most of what a workflow costs, in time and in memory.
 */
async function pureModules(sources: string): Promise<string[]> {
  const folder = join(sources, 'workflows')
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(`.${extension}`))
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  const imported = texts.flatMap((text) =>
    [...text.matchAll(/ from ["'][./]+\/((?:core|policies)\/[^"']+)["']/g)].map(([, path = '']) => join(sources, path)),
  )
  return [...new Set(imported)]
}

/**
 * Gives the path of the workflow bundle: the one of the build, or, when run from source or with own runbooks, one bundled
 * now and kept under a hash of what is in it, since bundling takes seconds.
 */
export async function workflowBundle(own: readonly OwnModule[] = [], options: BundleOptions = {}): Promise<string> {
  const built = join(root, 'workflow-bundle.js')
  const isUsual = !options.isWitnessed && !options.inVirtualTime
  if (own.length === 0 && isUsual && (await isThere(built))) return built
  const folder = join(cacheDir(), 'workflow-bundles')
  const file = join(folder, `${await hashOf(own, options)}.js`)
  if (await isThere(file)) return file
  const code = await bundleWorkflows(own, options)
  await mkdir(folder, { recursive: true })
  await writeFile(`${file}.${process.pid}`, code)
  await rename(`${file}.${process.pid}`, file)
  return file
}

/**
 * Names the code that is in a bundle. One that was bundled here has the hash of its sources for a name, to which every
 * machine with the same sources comes; what a build came with is named by what is in it.
 */
export async function buildIdOf(bundle: string): Promise<string> {
  const name = basename(bundle, '.js')
  return isHash(name) ? name : hashed(createHash('sha256').update(await readFile(bundle)))
}

const hashed = (hash: Hash) => hash.digest('hex').slice(0, 16)
const isHash = (name: string) => /^[0-9a-f]{16}$/.test(name)

/** Of everything that a bundle is made of. */
async function hashOf(own: readonly OwnModule[], { isWitnessed = false, inVirtualTime = false }: BundleOptions) {
  const hash = createHash('sha256').update(JSON.stringify({ isWitnessed, inVirtualTime }))
  for (const { file, text } of own) hash.update(`${file}\0`).update(text)
  for (const file of await besideOwn(own)) hash.update(`${file}\0`).update(await readFile(file))
  for (const file of await builtInFiles()) hash.update(`${file}\0`).update(await readFile(join(root, file)))
  return hashed(hash)
}

/** What own runbooks may import of the folders they lie in. */
async function besideOwn(own: readonly OwnModule[]): Promise<string[]> {
  const folders = [...new Set(own.map(({ file }) => dirname(file)))]
  const found = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(folder, { recursive: true })
      return names.filter((name) => isCode.test(name) && !isInstalled.test(name)).map((name) => join(folder, name))
    }),
  )
  return [...new Set(found.flat())].sort(compare)
}

const isCode = /\.([cm]?[jt]s|json)$/
const isInstalled = /(^|[\\/])(node_modules|\.git)[\\/]/

/** A build has its own bundle, which stands for all of it. */
async function builtInFiles(): Promise<string[]> {
  if (extension === 'js')
    return ['workflow-bundle.js', ...['virtual-time', 'witness'].map((name) => `workflows/sdk/${name}.js`)]
  const inFolders = sandboxFolders.map(async (folder) =>
    (await readdir(join(root, folder), { recursive: true })).map((file) => join(folder, file)),
  )
  const sources = (await Promise.all(inFolders)).flat().filter((file) => file.endsWith('.ts'))
  return [...sources.sort(), 'temporal/bundle.ts', 'temporal/shared-modules.ts', 'package-lock.json']
}

const isThere = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  )
