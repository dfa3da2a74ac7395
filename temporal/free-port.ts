import { createServer } from 'node:net'

/**
 * Below the range the kernel gives away by itself: a Temporal takes some ports of that range for its own parts while it
 * starts, and those of one could be the ones another was promised.
 */
const first = 20_000
const last = 31_999

/** A port on loopback that nobody listens on, nor will by accident. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = first + Math.floor(Math.random() * (last - first + 1))
    if (await isFree(port)) return port
  }
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
