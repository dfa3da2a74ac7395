import { Run } from '../../core/runbook.ts'
import { eventually } from '../../demo/stage/eventually.ts'
import type { BenchCloud } from './real-cloud.ts'

/** One run of a runbook on the real cloud. */
export interface Play {
  readonly runbook: string
  /** Where a runbook is played in more than one way. */
  readonly way?: string
  /** Makes what the run needs. */
  set(cloud: BenchCloud): Promise<Scene>
}

export interface Scene {
  readonly input: object
  /** What the cloud, not Steward, says afterwards. @throws it is not as it should be */
  proof(run: Run): Promise<string>
  clear?(): Promise<void>
}

export interface Played {
  readonly run: Run
  readonly seconds: number
}

/** Runs it by hand, saying yes to whatever it asks, to its end. */
export async function runOf(
  { stage: { olga } }: BenchCloud,
  runbook: string,
  input: object,
  { dryRun }: { dryRun: boolean },
): Promise<Played> {
  const body = { input, dryRun, why: 'a benchmark' }
  const started = await olga.steward('POST', `/v1/runbooks/${runbook}/runs`, body)
  if (started.status !== 201) throw new Error(`${runbook} was not started: ${JSON.stringify(started.body)}`)
  const { id } = Run.parse(started.body)
  const run = await eventually(
    `the run of ${runbook} to end`,
    async () => {
      const shown = Run.parse((await olga.steward('GET', `/v1/runs/${id}`)).body)
      if (shown.state === 'asking' && shown.question)
        await olga.steward('POST', `/v1/runs/${id}/answer`, { questionId: shown.question.id, yes: true })
      return shown.endedAt === undefined ? undefined : shown
    },
    { withinMs: 300_000, everyMs: 250 },
  )
  return { run, seconds: (Date.parse(run.endedAt ?? '') - Date.parse(run.startedAt)) / 1000 }
}

export function assertThat(what: string, isSo: boolean, seen?: unknown): void {
  if (!isSo) throw new Error(`not so: ${what}${seen === undefined ? '' : `, but ${JSON.stringify(seen)}`}`)
}
