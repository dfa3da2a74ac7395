import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { attachCloud } from '../../test/cloud/cloud.ts'

/**
 * Ends what an earlier stage in this folder left running because it was killed, and deletes the folder.
 * Only processes whose command line names the folder are touched.
 */
export async function clearLeftovers(dir: string): Promise<void> {
  if (!(await stat(dir).catch(() => undefined))) return
  const pids = await processesOf(dir)
  for (const pid of pids) end(pid, 'SIGTERM')
  const cloudDir = join(dir, 'cloud')
  if (await stat(join(cloudDir, 'cloud.json')).catch(() => undefined)) await (await attachCloud(cloudDir)).down()
  for (let waitedMs = 0; waitedMs < 5_000 && (await processesOf(dir)).length > 0; waitedMs += 200) await sleep(200)
  for (const pid of await processesOf(dir)) end(pid, 'SIGKILL')
  await rm(dir, { recursive: true, force: true })
}

/** Steward, its Temporal and Alertmanager; those of the cloud are ended by the cloud's own command. */
async function processesOf(dir: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found: number[] = []
  for (const pid of pids.filter((candidate) => candidate !== process.pid)) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    const isOurs = ['steward', 'alertmanager'].some((part) => words.some((word) => word.includes(join(dir, part))))
    if (isOurs) found.push(pid)
  }
  return found
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // it ended by itself meanwhile
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
