import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type Stage, setStage } from '../../demo/stage/stage.ts'
import { deadProcess } from '../../demo/stories/dead-process.ts'
import { deferredAction } from '../../demo/stories/deferred-action.ts'
import { logBurst } from '../../demo/stories/log-burst.ts'
import { overloadedHost } from '../../demo/stories/overloaded-host.ts'
import { delegationFaults } from './delegation-faults.ts'
import { governorFaults } from './governor-faults.ts'
import { namedActions } from './named-actions.ts'
import { recurringActions } from './recurring-actions.ts'
import { remediationFaults } from './remediation-faults.ts'
import { restarts } from './restarts.ts'
import { webhookFaults } from './webhook-faults.ts'
import { whatIsLeft } from './what-is-left.ts'

const basePort = Number(process.env.STORIES_BASE_PORT ?? 24100)

const dir = fileURLToPath(new URL('../../.cloud/stories', import.meta.url))
let stage: Stage
beforeAll(async () => {
  stage = await setStage(dir, basePort, (line) => process.stdout.write(`${line}\n`))
})
afterAll(async () => {
  await stage?.strike()
  await rm(dir, { recursive: true, force: true })
})

describe('the four stories, on a real OpenStack', () => {
  for (const story of [deadProcess, overloadedHost, logBurst, deferredAction])
    it(story.title, async () => {
      await story.play(stage, (line) => process.stdout.write(`   ${line}\n`))
    })
})

const onStage = () => stage
webhookFaults(onStage)
remediationFaults(onStage)
delegationFaults(onStage)
namedActions(onStage)
recurringActions(onStage)
governorFaults(onStage)
restarts(onStage)
whatIsLeft(onStage)
