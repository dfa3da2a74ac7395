/**
 * Asks together what many ask one by one: the first does not wait, and what comes while its answer is on its way is asked
 * next, at most `most` at once. A question that fails fails for all it was asked for; each may be asked again.
 */
export function inBatches<T, R>(
  most: number,
  ask: (batch: readonly T[]) => Promise<readonly R[]>,
): (one: T) => Promise<R> {
  const waiting: { one: T; resolve: (answer: R) => void; reject: (reason: unknown) => void }[] = []
  let isAsking = false

  async function askAll(): Promise<void> {
    isAsking = true
    while (waiting.length > 0) {
      const batch = waiting.splice(0, most)
      try {
        const answers = await ask(batch.map(({ one }) => one))
        batch.forEach(({ resolve }, at) => {
          resolve(answers[at] as R)
        })
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    isAsking = false
  }

  return (one) =>
    new Promise((resolve, reject) => {
      waiting.push({ one, resolve, reject })
      if (!isAsking) void askAll()
    })
}
