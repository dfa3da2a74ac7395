import { createHash } from 'node:crypto'
import { access, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker'
import { cacheDir } from './cli-binary.ts'
import { failureConverterPath } from './data-converter.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const sandboxFolders = ['workflows', 'policies', 'core']

/** Bundles all workflows for the sandbox. */
export async function bundleWorkflows(): Promise<string> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(root, 'workflows', `index.${extension}`),
    preloadModules: [...(await pureModules(extension)), join(root, 'temporal', `shared-modules.${extension}`)],
    failureConverterPath,
    logger: new DefaultLogger('WARN'),
  })
  return code
}

/**
 * What workflows import of core and policies. It is pure, so that all workflows may share it; loaded anew for each, its
 * schemas would be most of what a workflow costs, in time and in memory.
 */
async function pureModules(extension: string): Promise<string[]> {
  const folder = join(root, 'workflows')
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(`.${extension}`))
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  const imported = texts.flatMap((text) =>
    [...text.matchAll(/ from ["'][./]+\/((?:core|policies)\/[^"']+)["']/g)].map(([, path = '']) => join(root, path)),
  )
  return [...new Set(imported)]
}

/**
 * Gives the path of the workflow bundle: the one of the build, or, when run from source, one bundled now and kept
 * under a hash of the source, since bundling takes seconds.
 */
export async function workflowBundle(): Promise<string> {
  const built = join(root, 'workflow-bundle.js')
  if (await isThere(built)) return built
  const folder = join(cacheDir(), 'workflow-bundles')
  const file = join(folder, `${await sourceHash()}.js`)
  if (await isThere(file)) return file
  const code = await bundleWorkflows()
  await mkdir(folder, { recursive: true })
  await writeFile(`${file}.${process.pid}`, code)
  await rename(`${file}.${process.pid}`, file)
  return file
}

async function sourceHash(): Promise<string> {
  const hash = createHash('sha256')
  for (const folder of sandboxFolders) {
    const files = await readdir(join(root, folder), { recursive: true })
    for (const file of files.filter((f) => f.endsWith('.ts')).sort())
      hash.update(`${folder}/${file}\0`).update(await readFile(join(root, folder, file)))
  }
  for (const file of ['temporal/bundle.ts', 'temporal/shared-modules.ts', 'package-lock.json'])
    hash.update(await readFile(join(root, file)))
  return hash.digest('hex').slice(0, 16)
}

const isThere = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  )
