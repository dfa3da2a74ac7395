/** Goes through all of them, at most `lanes` at the same moment. The first failure is thrown; what is under way goes on. */
export async function inLanes<T>(all: Iterable<T>, lanes: number, act: (one: T) => Promise<void>): Promise<void> {
  const queue = [...all].values()
  const lane = async () => {
    for (const one of queue) await act(one)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}
