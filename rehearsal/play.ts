import { randomUUID } from 'node:crypto'
import { type WorkflowHandle, WorkflowUpdateFailedError } from '@temporalio/client'
import type { Announcement } from '../core/notification.ts'
import type { Run, RunbookCard } from '../core/runbook.ts'
import { answerOf, type RunbookCase, type RunbookTests, spanMs } from '../core/runbook-test.ts'
import { startsAtMemo, timePassesName } from '../core/virtual-time.ts'
import { worldOf } from '../policies/declared/tests.ts'
import { run } from '../workflows/run.ts'
import { answerRun } from '../workflows/sdk/questions.ts'
import type { RunView } from '../workflows/sdk/record.ts'
import { createPlayedActivities } from './activities.ts'
import { createAttempts } from './attempts.ts'
import { type Conductor, createConductor } from './conductor.ts'
import type { TestEngine } from './engine.ts'
import { type Stage, setStage } from './stage.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'

/** What is the same in every test of the same version: tests are to end the same way whenever they are run. */
const beganAt = '2026-01-05T08:00:00Z'
const person = 'olga'

/** How a case went. */
export interface Played {
  readonly view: Partial<RunView>
  readonly evidence?: Run['evidence']
  /** Why it never ended. */
  readonly stuck?: string
  /** Of virtual time. */
  readonly tookMs: number
  readonly did: readonly string[]
  /** Of the servers of the world, by their names. */
  readonly statuses: Readonly<Record<string, string>>
  readonly told: readonly string[]
  /** What the case has and the run never came to, each in one sentence. */
  readonly unmet: readonly string[]
}

export interface PlayOrder {
  readonly tests: RunbookTests
  readonly one: RunbookCase
  readonly card: RunbookCard
  /** Whether the worker loses its memory after every step. */
  readonly forgetful: boolean
}

/** Plays one case, on a cloud of its own. */
export async function play(engine: TestEngine, order: PlayOrder): Promise<Played> {
  const { tests, one, card } = order
  const beganMs = Date.parse(worldOf(tests, one).startsAt ?? beganAt)
  const workflowId = `run-${randomUUID()}`
  const handle = engine.client.workflow.getHandle<typeof run>(workflowId)
  const clock = createVirtualClock(beganMs)
  const attempts = createAttempts(clock, () => conductor.look())
  const conductor: Conductor = createConductor({
    clock,
    attempts,
    mostSteps: engine.mostSteps,
    tell: (toMs) => handle.signal(timePassesName, { toMs }),
    complaint: () => engine.complaint(workflowId),
  })
  const stage = await setStage({ clock, attempts, tests, one, roles: card.needs.roles })
  const told: string[] = []
  const answer = createAnswers(one, handle, clock, conductor)
  const hear = (announcement: Announcement) => {
    if (announcement.event !== 'run.asking' && announcement.event !== 'run.notice') return
    told.push(announcement.view.text)
    if (announcement.event === 'run.asking') answer(`${announcement.sequence}`)
  }
  const activities = createPlayedActivities({ stage, pause: attempts.pause, now: clock.now, hear })
  engine.runs.set(workflowId, { clock, attempts, conductor, activities })
  const tooLate = arrange(one, { stage, clock, conductor, handle })
  try {
    await engine.client.workflow.start(run, {
      workflowId,
      taskQueue: await engine.worker(order),
      memo: { id: randomUUID(), [startsAtMemo]: beganMs },
      args: [
        {
          ...{ runbook: card.name, input: stage.filled(one.input), dryRun: one.dryRun, by: person, why: 'a test' },
          ...(card.document !== undefined && { document: card.document as never }),
        },
        { requester: 'person', by: person, why: 'a test', waitSeconds: 60 },
      ],
    })
    const ended = handle.result().then(
      () => undefined,
      () => undefined,
    )
    const stuck = await Promise.race([ended, conductor.stuck])
    if (stuck !== undefined) await handle.terminate(stuck)
    if (conductor.hangs()) engine.giveUp()
    await ended
    const { memo } = await handle.describe()
    return {
      view: (memo?.view ?? {}) as Partial<RunView>,
      ...(stuck !== undefined && { stuck }),
      ...(memo?.evidence !== undefined && { evidence: memo.evidence as Run['evidence'] }),
      tookMs: clock.now() - beganMs,
      did: stage.did(),
      statuses: stage.statuses(),
      told,
      unmet: [
        ...stage.unmet().map((call) => `fault \`${call}\` was never met: the run made no such call`),
        ...tooLate(),
      ],
    }
  } finally {
    conductor.stop()
    await stage.close()
  }
}

/** Persons answer in the order of the questions; where the case has no answer left, nobody does. */
function createAnswers(
  one: RunbookCase,
  handle: WorkflowHandle<typeof run>,
  clock: VirtualClock,
  conductor: Conductor,
): (questionId: string) => void {
  const answers = one.answers.map(answerOf)
  return (questionId) => {
    const given = answers.shift()
    if (!given) return
    const { yes, afterMs } = given
    const say = async () => {
      try {
        await handle.executeUpdate(answerRun, { args: [{ questionId, by: person, yes }] })
      } catch (error) {
        // who answers too late is told so
        if (!(error instanceof WorkflowUpdateFailedError)) throw error
      }
    }
    clock.at(clock.now() + afterMs, () => conductor.outside(say))
  }
}

interface Scene {
  readonly stage: Stage
  readonly clock: VirtualClock
  readonly conductor: Conductor
  readonly handle: WorkflowHandle<typeof run>
}

/** What happens while it runs; gives what has not come by now. */
function arrange({ events }: RunbookCase, { stage, clock, conductor, handle }: Scene): () => string[] {
  const ahead = new Map<string, string>()
  for (const [span, what] of Object.entries(events))
    for (const sentence of [what].flat()) {
      const event = `${span}: ${sentence}`
      ahead.set(event, `event \`${sentence}\` never came: the run had ended by ${span}`)
      clock.at(clock.now() + spanMs(span), () => {
        ahead.delete(event)
        if (!stage.happen(sentence))
          conductor.outside(
            () => handle.cancel(),
            ({ cancelled }) => cancelled,
          )
      })
    }
  return () => [...ahead.values()]
}
