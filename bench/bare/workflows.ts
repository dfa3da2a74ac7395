import { condition, defineSignal, defineUpdate, proxyActivities, setHandler, sleep } from '@temporalio/workflow'

const { touch, post, postAll, callHttp, readCloud } = proxyActivities<BareActivities>({ startToCloseTimeout: '2m' })

export interface BareActivities {
  /** Named like those of Steward, whose work they do. */
  callHttp(step: number): Promise<void>
  readCloud(step: number): Promise<void>
  touch(id: number): Promise<void>
  /** One request to this URL. */
  post(url: string): Promise<void>
  /** One request to each server, many at a time. */
  postAll(url: string, ids: readonly string[]): Promise<void>
}

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

/** The least a call at a given time could be. */
export async function dueCall(url: string, dueMs: number): Promise<void> {
  await sleep(Math.max(1, dueMs - Date.now()))
  await post(url)
}

/** The least that many calls at a given time could be. */
export async function dueGroup(url: string, ids: readonly string[], dueMs: number): Promise<void> {
  await sleep(Math.max(1, dueMs - Date.now()))
  for (let from = 0; from < ids.length; from += 1000) await postAll(url, ids.slice(from, from + 1000))
}

/** The least that so many steps one after the other could be. */
export async function steps(kind: 'callHttp' | 'readCloud', count: number): Promise<void> {
  for (let step = 1; step <= count; step++) await { callHttp, readCloud }[kind](step)
}
