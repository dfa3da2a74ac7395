import { open, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import got from 'got'

/**
 * Follows log files and posts their new lines to Steward every half second; a heartbeat when there are none. What
 * was not accepted is sent again. `logs` is by `component@host`.
 */
export function shipLogs(logs: Record<string, string>, url: string, token: string): { stop(): Promise<void> } {
  let going = true
  const follow = async ([name, file]: [string, string]) => {
    const [component = '', host = ''] = name.split('@')
    let offset = (await stat(file)).size
    while (going) {
      const { text, end } = await readFrom(file, offset)
      const lines = text.split('\n').filter(Boolean).slice(0, 5000)
      const batch =
        lines.length > 0 ? lines.map((line) => ({ host, component, line })) : [{ host, component, heartbeat: true }]
      const body = batch.map((entry) => JSON.stringify(entry)).join('\n')
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' }
      const sent = got.post(`${url}/v1/signals/logs`, {
        body,
        headers,
        retry: { limit: 0 },
        timeout: { request: 20_000 },
      })
      if (
        await sent.then(
          () => true,
          () => false,
        )
      )
        offset = end
      await sleep(500)
    }
  }
  const all = Promise.all(Object.entries(logs).map(follow))
  return {
    async stop() {
      going = false
      await all
    },
  }
}

/** Whole lines only: the rest of a line that is being written is read next time. */
async function readFrom(file: string, offset: number): Promise<{ text: string; end: number }> {
  const handle = await open(file)
  try {
    const buffer = Buffer.alloc(1 << 20)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
    const whole = buffer.subarray(0, bytesRead).lastIndexOf('\n') + 1
    return { text: buffer.subarray(0, whole).toString(), end: offset + whole }
  } finally {
    await handle.close()
  }
}
