/** Does `count` things, `lanes` of them at a time, and says how long each took and all together, in ms. */
export async function inLanes(count: number, lanes: number, once: (n: number) => Promise<unknown>) {
  const each: number[] = []
  const numbers = Array.from({ length: count }, (_, n) => n).values()
  const lane = async () => {
    for (const n of numbers) {
      const begunMs = performance.now()
      await once(n)
      each.push(performance.now() - begunMs)
    }
  }
  const startedMs = performance.now()
  await Promise.all(Array.from({ length: lanes }, lane))
  return { each, totalMs: performance.now() - startedMs }
}
