import { expect, it } from 'vitest'
import { serviceWatch } from '../../workflows/service-watch.ts'
import { until, useWorker } from './engine.ts'
import { never } from './scripted.ts'

const bench = useWorker()

it("watches Nova's services shift after shift, each in a run of its own", async () => {
  const shifts = bench.cloud({ watchServices: [undefined, never] })
  const handle = await bench.client.workflow.start(serviceWatch, {
    workflowId: `watch-${shifts.host}`,
    taskQueue: bench.taskQueue,
  })
  await until(() => shifts.names(), ['watchServices', 'watchServices'])
  const first = await bench.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId).describe()
  expect(first.status.name).toBe('CONTINUED_AS_NEW')
  expect((await bench.client.workflow.getHandle(handle.workflowId).describe()).status.name).toBe('RUNNING')
  await bench.client.workflow.getHandle(handle.workflowId).terminate()
})
