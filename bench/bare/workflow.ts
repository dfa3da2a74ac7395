import { proxyActivities } from '@temporalio/workflow'

const { touch } = proxyActivities<{ touch(id: number): Promise<void> }>({ startToCloseTimeout: '30s' })

/** The least a durable answer to an alert could be: one workflow, one activity. */
export async function bare(id: number): Promise<void> {
  await touch(id)
}
