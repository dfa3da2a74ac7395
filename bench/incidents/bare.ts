import { condition, defineSignal, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow'

const { touch } = proxyActivities<{ touch(id: number): Promise<void> }>({ startToCloseTimeout: '30s' })

/** The least a durable answer to an alert could be: one workflow, one activity. */
export async function bare(id: number): Promise<void> {
  await touch(id)
}

export const echo = defineUpdate<number, [number]>('echo')

/** The least an answer of a long-lived workflow could be. */
export async function echoes(): Promise<void> {
  setHandler(echo, (value) => value)
  await condition(() => false)
}

/** Takes the governor's word, as runs do. */
export async function holder(): Promise<void> {
  setHandler(defineSignal<[object]>('leaseVerdict'), () => undefined)
  setHandler(defineSignal<[object]>('comeToAnEnd'), () => undefined)
  await condition(() => false)
}
