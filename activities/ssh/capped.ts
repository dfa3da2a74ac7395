/** The beginning and the end of what may be endless. */
export interface Capped {
  add(chunk: Buffer): void
  /** With a line that says how much is missing, where something is. */
  text(): string
  /** How much is missing. */
  cutBytes(): number
}

/** Keeps at most `limitBytes`: the first half of them and the last. */
export function createCapped(limitBytes: number): Capped {
  const half = Math.floor(limitBytes / 2)
  let head = Buffer.alloc(0)
  let tail = Buffer.alloc(0)
  let totalBytes = 0
  const cutBytes = () => totalBytes - head.length - Math.min(tail.length, half)
  return {
    add(chunk) {
      totalBytes += chunk.length
      const room = half - head.length
      if (room > 0) head = Buffer.concat([head, chunk.subarray(0, room)])
      const rest = chunk.subarray(Math.max(0, room))
      if (rest.length === 0) return
      tail = Buffer.concat([tail, rest])
      // not at every chunk, or a flood would be copied again and again
      if (tail.length > 4 * half) tail = Buffer.from(tail.subarray(-half))
    },
    text() {
      const cut = cutBytes()
      const end = tail.subarray(-half).toString()
      return cut === 0 ? head.toString() + end : `${head}\n[${cut} bytes left out]\n${end}`
    },
    cutBytes,
  }
}
