import { Context } from '@temporalio/activity'

const everyMs = 5_000

/** Does work that takes its time, heartbeating all the while: what is lost with its worker is begun anew in seconds. */
export async function whileBeating<T>(work: () => Promise<T>): Promise<T> {
  const beating = setInterval(Context.current().heartbeat, everyMs)
  try {
    return await work()
  } finally {
    clearInterval(beating)
  }
}
