import { messageOf } from '../../core/errors.ts'
import { builtInRunbooks } from '../../workflows/runbooks/index.ts'
import type { Figure } from '../figures.ts'
import { type Play, runOf } from './play.ts'
import { hostPlays } from './plays/hosts.ts'
import { otherPlays } from './plays/others.ts'
import { serverPlays } from './plays/servers.ts'
import { type BenchCloud, isWanted } from './real-cloud.ts'

const plays: readonly Play[] = [...serverPlays, ...hostPlays, ...otherPlays]

/** Those whose services the test cloud does not have. */
const missing: Readonly<Record<string, string>> = { 'scale-stack': 'Heat is not in the test cloud' }

/** Each runbook that comes with Steward, as a dry run and for real, on a real cloud that nobody else uses. */
export async function library(cloud: BenchCloud): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const { name } of builtInRunbooks) {
    if (!isWanted(name)) continue
    const its = plays.filter(({ runbook }) => runbook === name)
    if (its.length === 0) figures.push({ ...figureOf(name), note: missing[name] ?? 'is not played' })
    for (const play of its) figures.push(await onCloud(cloud, play))
  }
  return figures
}

const figureOf = (name: string, seconds: Record<string, number> = {}) => ({ name, unit: 's', ours: seconds })

async function onCloud(cloud: BenchCloud, { runbook, way, set }: Play): Promise<Figure> {
  const name = way === undefined ? runbook : `${runbook}, ${way}`
  const told = (words: string) => process.stdout.write(`${name}: ${words}\n`)
  const { input, proof, clear } = await set(cloud)
  try {
    const dry = await runOf(cloud, runbook, input, { dryRun: true })
    if (dry.run.state !== 'succeeded') throw new Error(`the dry run ${dry.run.state}: ${dry.run.summary}`)
    const { run, seconds } = await runOf(cloud, runbook, input, { dryRun: false })
    if (run.state !== 'succeeded') throw new Error(`it ${run.state}: ${run.code} ${run.summary}`)
    const proved = await proof(run)
    told(`dry ${dry.seconds} s, real ${seconds} s; ${proved}`)
    const figures = { dry: dry.seconds, real: seconds, steps: run.steps?.length ?? 0 }
    return { ...figureOf(name, figures), note: proved }
  } catch (error) {
    told(`FAILED: ${messageOf(error)}`)
    return { ...figureOf(name), note: `failed: ${messageOf(error)}` }
  } finally {
    await clear?.()
  }
}
