import { messageOf } from '../../core/errors.ts'
import type { Figure } from '../figures.ts'
import { type CaseEnd, openLane, type Way } from './crash-lane.ts'
import { type CrashPlays, crashPlays } from './plays/crashes.ts'
import { type BenchCloud, isWanted } from './real-cloud.ts'

/** No further case is begun after so long. */
const mostMinutes = Number(process.env.BENCH_CRASH_MINUTES ?? 90)
/** In this order: what tells most comes first. */
const moments = ['during', 'before', 'after'] as const

/**
 * The crash matrix on a real cloud: the worker of a run is a process of its own, with Steward's own activities, and is
 * killed before, during and after each side effect, also of a run that is cancelled during its last one. What was done is
 * counted in the records of the cloud, and compared with runs that nobody disturbed.
 */
export async function crash(cloud: BenchCloud): Promise<Figure[]> {
  const lastMs = Date.now() + mostMinutes * 60_000
  const rows = await Promise.all(
    crashPlays.map(async (some) => {
      const figures: Figure[] = []
      for (const plays of some) if (isWanted(plays[0].runbook)) figures.push(await matrixOf(cloud, plays, lastMs))
      return figures
    }),
  )
  return rows.flat()
}

async function matrixOf(cloud: BenchCloud, plays: CrashPlays, lastMs: number): Promise<Figure> {
  const lanes = await Promise.all(plays.map(async (play) => ({ play, lane: await openLane(cloud) })))
  const [first] = lanes
  const [{ runbook }] = plays
  const told = (way: Way, words: string) => process.stdout.write(`crash ${titleOf(runbook, way)}: ${words}\n`)
  const once = async ({ play, lane }: NonNullable<typeof first>, way: Way): Promise<CaseEnd | undefined> => {
    try {
      const end = await lane.play(play, way)
      const did = [...end.counts].map(([what, times]) => `${what} ${times}×`).join(', ')
      told(way, `${end.how} ${end.code ?? ''} in ${Math.round(end.seconds)} s; ${did} ${end.left.join(', ')}`)
      return end
    } catch (error) {
      told(way, `NOT PLAYED: ${messageOf(error)}`)
      return undefined
    }
  }
  try {
    const undisturbed: CaseEnd[] = []
    for (const wayOf of [(): Way => ({}), ([whole]: CaseEnd[]): Way => ({ cancelAt: whole?.effects.length ?? 1 })]) {
      const end = first && (await once(first, wayOf(undisturbed)))
      if (!end) throw new Error(`${runbook} was not played undisturbed`)
      undisturbed.push(end)
    }
    // those that are cancelled have the side effects of taking back as well
    const ways = undisturbed.toReversed().flatMap(waysToDie)
    const inAll = ways.length
    const ends: CaseEnd[] = []
    const work = async (lane: NonNullable<typeof first>) => {
      for (let way = ways.shift(); way && Date.now() < lastMs; way = ways.shift()) {
        const end = await once(lane, way)
        if (end) ends.push(end)
      }
    }
    await Promise.all(lanes.map(work))
    return figureOf(runbook, undisturbed, ends, inAll)
  } finally {
    await Promise.all(lanes.map(({ lane }) => lane.close()))
  }
}

/** A worker that dies before it has cancelled the run would only be the case of a run that is not cancelled again. */
const waysToDie = ({ effects, cancelAt = 0 }: CaseEnd): Way[] =>
  moments.flatMap((moment) =>
    effects.flatMap((_, n): Way[] => {
      const isCancelled = n + 1 > cancelAt || (n + 1 === cancelAt && moment !== 'before')
      return isCancelled ? [{ ...(cancelAt > 0 && { cancelAt }), kill: { at: n + 1, moment } }] : []
    }),
  )

function figureOf(runbook: string, undisturbed: readonly CaseEnd[], ends: readonly CaseEnd[], inAll: number): Figure {
  const [whole] = undisturbed
  // once is never too often: whether an abort still finds something to abort is a matter of moments
  const most = (what: string) => Math.max(1, ...undisturbed.map(({ counts }) => counts.get(what) ?? 0))
  const doubled = ends.flatMap((end) =>
    [...end.counts].filter(([what, times]) => times > most(what)).map(([what]) => `${titleOf(runbook, end)}: ${what}`),
  )
  const stuck = ends.filter(({ how }) => how === 'stuck').map((end) => titleOf(runbook, end))
  const left = [...undisturbed, ...ends].flatMap((end) => end.left.map((what) => `${titleOf(runbook, end)}: ${what}`))
  const wrong = [...doubled.map((what) => `doubled: ${what}`), ...stuck.map((what) => `stuck: ${what}`), ...left]
  return {
    name: `crash: ${runbook}`,
    unit: 'cases',
    ours: {
      ...{ effects: whole?.effects.length ?? 0, cases: inAll, played: ends.length },
      ...{ doubled: doubled.length, stuck: stuck.length, 'not taken back': left.length },
      'said unknown': ends.filter(({ how }) => how === 'unknown').length,
      'ended before the kill': ends.filter(({ missed }) => missed).length,
    },
    ...(wrong.length > 0 && { note: wrong.join('; ') }),
    raw: { seconds: ends.map(({ seconds }) => seconds) },
  }
}

const titleOf = (runbook: string, { kill, cancelAt }: Way) =>
  `${runbook}${cancelAt === undefined ? '' : `, cancelled during ${cancelAt}`}${kill ? `, killed ${kill.moment} ${kill.at}` : ''}`
