import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { checkOwnRunbooks, findOwnRunbooks } from '../boot/own-runbooks.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import type { RunbookCard } from '../core/runbook.ts'
import type { RunbookTests } from '../core/runbook-test.ts'
import { compileTests } from '../policies/declared/tests.ts'
import { virtualDate } from './attempts.ts'
import { startTestEngine, type TestEngine } from './engine.ts'
import { play } from './play.ts'
import { type CaseReport, playStandardCases } from './standard-cases.ts'
import { wrongWith } from './verdict.ts'

export interface TestOrder {
  /** A folder of runbooks, or one runbook or its tests in it. */
  readonly path: string
  /** Only cases and runbooks whose name has this in it. */
  readonly only?: string | undefined
  /** Of one run. @default 1000 */
  readonly mostSteps?: number
  /** Called when there is an engine to work for: a runtime of the SDK keeps its process until its last worker ends. */
  installRuntime?(): void
  progress(line: string): void
}

export interface RunbookReport {
  readonly runbook: string
  /** Of its tests, if it has any. */
  readonly file?: string
  readonly cases: readonly CaseReport[]
}

export interface TestReport {
  readonly passed: boolean
  /** What is wrong with the files; nothing is played then. */
  readonly problems: readonly string[]
  readonly runbooks: readonly RunbookReport[]
  readonly tookSeconds: number
  /** One of them looped without waiting: the rest was not played, and a thread of this process is lost. */
  readonly hangs: boolean
}

interface TestFile {
  readonly file: string
  readonly runbook: string
  readonly tests: RunbookTests
}

const isTests = (name: string) => /^[^.].*\.test\.ya?ml$/.test(name)
const stemOf = (file: string) => basename(file).replace(/(\.test)?\.[^.]+$/, '')

/**
 * Plays the cases of own runbooks and what every runbook is tried on, on a simulated cloud and an engine of its own; needs
 * no installation, and leaves nothing behind.
 *
 * @throws CONFIG_INVALID there is no such folder, or no engine
 */
export async function testRunbooks({
  path,
  only,
  mostSteps,
  installRuntime,
  progress,
}: TestOrder): Promise<TestReport> {
  const beganMs = performance.now()
  const ended = (problems: readonly string[], runbooks: readonly RunbookReport[] = []): TestReport => ({
    passed: problems.length === 0 && runbooks.every(({ cases }) => cases.every(({ passed }) => passed)),
    ...{ problems, runbooks, tookSeconds: Math.round((performance.now() - beganMs) / 100) / 10 },
    hangs: engine?.isGivenUp() === true,
  })
  let engine: TestEngine | undefined
  const { folder, isWanted } = await placeOf(resolve(path))
  const modules = (await findOwnRunbooks({ folders: [folder], packages: [], beside: folder })).filter(({ file }) =>
    isWanted(file),
  )
  progress(`bundles ${modules.length} own ${modules.length === 1 ? 'runbook' : 'runbooks'} for virtual time …`)
  const { cards, problems, bundle } = await checkOwnRunbooks(modules, { inVirtualTime: true })
  const { files, problems: inTests } = await readTests(folder, isWanted, cards)
  if (problems.length + inTests.length > 0 || bundle === undefined) return ended([...problems, ...inTests])

  const takeBack = virtualDate()
  try {
    engine = await startTestEngine({ bundle, mostSteps, installRuntime, progress })
    const reports: RunbookReport[] = []
    const own = cards.filter(({ source, name }) => source === 'own' || files.some(({ runbook }) => runbook === name))
    for (const card of own) {
      if (engine.isGivenUp()) break
      progress(`plays ${card.name} …`)
      const played = await playAll(engine, card, files, only)
      if (played.cases.length === 0) continue
      reports.push(played)
    }
    if (reports.length === 0) return ended([`no case has \`${only}\` in its name`])
    return ended([], reports)
  } finally {
    await engine?.close()
    takeBack()
  }
}

async function playAll(
  engine: TestEngine,
  card: RunbookCard,
  files: readonly TestFile[],
  only = '',
): Promise<RunbookReport> {
  const mine = files.find(({ runbook }) => runbook === card.name)
  const isAll = card.name.includes(only)
  const cases: CaseReport[] = []
  for (const one of mine?.tests.cases ?? [])
    if (mine && !engine.isGivenUp() && (isAll || one.name.includes(only))) {
      const { tests } = mine
      try {
        const played = await play(engine, { tests, one, card, forgetful: false })
        const problems = wrongWith(one.expect, played)
        cases.push({ name: one.name, passed: problems.length === 0, problems, played })
      } catch (error) {
        if (codeOf(error) !== 'NOT_SIMULATED') throw error
        cases.push({ name: one.name, passed: false, problems: [messageOf(error)] })
      }
    }
  if (isAll && !engine.isGivenUp()) cases.push(...(await playStandardCases(engine, card, mine?.tests)))
  return { runbook: card.name, ...(mine && { file: mine.file }), cases }
}

/** @throws CONFIG_INVALID */
async function placeOf(path: string): Promise<{ folder: string; isWanted: (file: string) => boolean }> {
  const found = await stat(path).catch(() => undefined)
  if (!found) throw failure('CONFIG_INVALID', `${path} is not there: name a folder of runbooks, or one of them`)
  if (found.isDirectory()) return { folder: path, isWanted: () => true }
  return { folder: dirname(path), isWanted: (file) => stemOf(file) === stemOf(path) }
}

async function readTests(folder: string, isWanted: (file: string) => boolean, cards: readonly RunbookCard[]) {
  const files: TestFile[] = []
  const problems: string[] = []
  const names = (await readdir(folder)).filter((name) => isTests(name) && isWanted(name)).sort()
  for (const name of names) {
    const file = join(folder, name)
    const compiled = compileTests(await readFile(file, 'utf8'), file)
    if ('problems' in compiled) {
      problems.push(...compiled.problems)
      continue
    }
    const { tests } = compiled
    const runbook = tests.runbook ?? stemOf(name)
    if (cards.length > 0 && !cards.some((card) => card.name === runbook))
      problems.push(`${file}:1:1: there is no runbook ${runbook}; \`runbook:\` says which one is tested`)
    else if (files.some((one) => one.runbook === runbook))
      problems.push(`${file}:1:1: runbook ${runbook} has tests in another file`)
    files.push({ file, runbook, tests })
  }
  return { files, problems }
}
