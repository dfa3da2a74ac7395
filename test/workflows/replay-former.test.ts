import { readFileSync } from 'node:fs'
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js'
import { Worker } from '@temporalio/worker'
import { expect, inject, it } from 'vitest'

/**
 * Histories of workflows that began before an action gave its former trust back at once, and before a delegation warned of
 * its end; not encrypted.
 */
const former = ['changed-action', 'ending-delegation', 'delegated-anew']

it.each(former)('the history of a former version comes to the same steps: %s', async (name) => {
  const file = new URL(`fixtures/${name}.json`, import.meta.url)
  const { workflowId, history } = JSON.parse(readFileSync(file, 'utf8'))
  const options = { workflowBundle: { codePath: inject('engine').bundle } }
  await expect(Worker.runReplayHistory(options, historyFromJSON(history), workflowId)).resolves.toBeUndefined()
})
