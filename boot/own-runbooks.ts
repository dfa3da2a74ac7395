import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import type { RunbookCard } from '../core/runbook.ts'
import { compileDeclared } from '../policies/declared/compile.ts'
import { type BundleOptions, type OwnModule, workflowBundle } from '../temporal/bundle.ts'
import { cardsIn } from '../temporal/bundle-cards.ts'
import { sandboxProblems } from './sandbox-problems.ts'

/** `runbooks` of steward.yaml: where the runbooks of this installation are. */
export interface OwnRunbooks {
  readonly folders: readonly string[]
  readonly packages: readonly string[]
  readonly beside: string
}

const isDeclared = (file: string) => /\.ya?ml$/.test(file)
const isRunbookFile = (name: string) =>
  /^[^.].*\.(ts|mts|js|mjs|ya?ml)$/.test(name) && !/\.(test|d)\.[cm]?ts$|\.test\.ya?ml$/.test(name)

/**
 * Finds own runbooks: every TypeScript, JavaScript and YAML file directly in a folder, tests aside, and
 * packages as a module in `beside` would import them. @throws CONFIG_INVALID a folder or package is not there
 */
export async function findOwnRunbooks({ folders, packages, beside }: OwnRunbooks): Promise<OwnModule[]> {
  const found: OwnModule[] = []
  for (const folder of folders) {
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      throw failure('CONFIG_INVALID', `runbooks.folders: ${folder} cannot be read: ${error.code}`)
    })
    for (const name of names.filter(isRunbookFile).sort()) {
      const file = join(folder, name)
      found.push({ from: file, file, text: await readFile(file, 'utf8') })
    }
  }
  for (const name of packages) {
    const file = resolvePackage(name, beside)
    found.push({ from: name, file, text: await readFile(file, 'utf8') })
  }
  return found
}

function resolvePackage(name: string, beside: string): string {
  try {
    return createRequire(join(beside, 'package.json')).resolve(name)
  } catch {
    throw failure('CONFIG_INVALID', `runbooks.packages: ${name} is not installed: see runbooks.beside`)
  }
}

export interface CheckedRunbooks {
  /** Of all runbooks, those that come with Steward too. */
  readonly cards: readonly RunbookCard[]
  /** Each with file, and line and column where there is one. */
  readonly problems: readonly string[]
  /** Path of the bundle, unless there is none because of the problems. */
  readonly bundle?: string
}

/**
 * Bundles own runbooks and looks at them without running any: what the sandbox of runs does not have, what no bundle can
 * be made of, and what contradicts itself.
 */
export async function checkOwnRunbooks(
  found: readonly OwnModule[],
  options: BundleOptions = {},
): Promise<CheckedRunbooks> {
  const problems: string[] = []
  const modules: OwnModule[] = []
  for (const module of found) {
    if (!isDeclared(module.file)) {
      problems.push(...(await sandboxProblems(module)))
      modules.push(module)
      continue
    }
    const compiled = compileDeclared(module.text, module.from)
    if ('problems' in compiled) problems.push(...compiled.problems.map(({ text }) => text))
    else modules.push({ ...module, document: compiled.runbook })
  }
  if (problems.length > 0) return { cards: [], problems }
  try {
    const bundle = await workflowBundle(modules, options)
    return { ...cardsIn(await readFile(bundle, 'utf8')), bundle }
  } catch (error) {
    if (codeOf(error) !== 'RUNBOOK_INVALID') throw error
    return { cards: [], problems: [messageOf(error)] }
  }
}

/** The bundle for a worker: one with a broken runbook would fail its runs, so it does not start. @throws RUNBOOK_INVALID */
export async function bundleWithOwn(own: OwnRunbooks): Promise<string> {
  const modules = await findOwnRunbooks(own)
  if (modules.length === 0) return workflowBundle()
  const { problems, bundle } = await checkOwnRunbooks(modules)
  if (problems.length > 0 || bundle === undefined) throw failure('RUNBOOK_INVALID', problems.join('; ').slice(0, 4000))
  return bundle
}
