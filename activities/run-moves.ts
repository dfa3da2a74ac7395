import type { Client } from '@temporalio/client'
import type { Activities } from '../core/activities.ts'
import { failure } from '../core/errors.ts'
import type { Keys } from '../temporal/keys.ts'
import { throughEngine } from '../temporal/reach.ts'
import { differsFrom } from '../temporal/replay-run.ts'
import { buildOf, createRunVersions, type RunReference } from '../temporal/run-versions.ts'

/** The workflow code that a worker has begun with. */
export interface RunBuild {
  readonly id: string
  readonly bundle: string
}

export interface RunMoveOptions {
  client: Client
  keys: Keys
  build: RunBuild
}

/** Moves open runs to the code of this worker. */
export function createRunMoves({ client, keys, build }: RunMoveOptions): Pick<Activities, 'moveRun'> {
  const versions = createRunVersions(client)

  async function refuseUnfit(run: RunReference) {
    const difference = await differsFrom(run, { client, keys, bundle: build.bundle })
    if (difference === undefined) return
    throw failure('RUN_INCOMPATIBLE', `the run has taken other steps than the current code would: ${difference}`)
  }

  return {
    async moveRun({ workflowId, runId }) {
      const run = { workflowId, runId }
      const { raw, status } = await throughEngine(client, () => client.workflow.getHandle(workflowId, runId).describe())
      if (status.name !== 'RUNNING') throw failure('RUN_ENDED', 'the run ended before it could be moved')
      const former = buildOf(raw)
      if (former === undefined) throw failure('RUN_UNVERSIONED', 'the run is bound to no version of the code')
      if (former === build.id) return { build: build.id }
      const known = await versions.builds()
      if (!known.some(({ id, isCurrent }) => id === build.id && isCurrent))
        throw failure('RUN_NOT_MOVED', 'another worker has become the current one meanwhile')
      await refuseUnfit(run)
      await versions.bind(run, build.id)
      try {
        // it may have gone on while the first look was taken
        await refuseUnfit(run)
      } catch (error) {
        await versions.bind(run, former)
        throw error
      }
      return { build: build.id }
    },
  }
}
