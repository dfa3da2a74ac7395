import { describe, expect, it } from 'vitest'
import { inBatches } from '../../temporal/in-batches.ts'

/** Answers when the test says so; remembers what was asked together. */
function scene(most: number) {
  const asked: (readonly number[])[] = []
  const replies: ((answer: 'well' | Error) => void)[] = []
  const ask = inBatches(most, (batch: readonly number[]) => {
    asked.push(batch)
    return new Promise<string[]>((resolve, reject) => {
      replies.push((answer) => (answer === 'well' ? resolve(batch.map((one) => `${one}!`)) : reject(answer)))
    })
  })
  return { ask, asked, reply: (answer: 'well' | Error = 'well') => replies.shift()?.(answer) }
}

describe('questions that come together', () => {
  it('are asked together while an answer is on its way, and each gets its own', async () => {
    const { ask, asked, reply } = scene(10)
    const answers = [1, 2, 3].map(ask)
    expect(asked).toEqual([[1]])
    reply()
    expect(await answers[0]).toBe('1!')
    expect(asked).toEqual([[1], [2, 3]])
    reply()
    expect(await Promise.all(answers)).toEqual(['1!', '2!', '3!'])
  })

  it('are not more at once than allowed', async () => {
    const { ask, asked, reply } = scene(2)
    const answers = [1, 2, 3, 4].map(ask)
    for (const answer of [0, 1, 3]) {
      reply()
      await answers[answer]
    }
    expect(asked).toEqual([[1], [2, 3], [4]])
  })

  it('fail together, and the next ones are asked all the same', async () => {
    const { ask, reply } = scene(10)
    const answers = [1, 2, 3].map((one) => ask(one).catch((error: Error) => error.message))
    reply()
    await answers[0]
    reply(new Error('away'))
    expect(await Promise.all(answers)).toEqual(['1!', 'away', 'away'])
    const next = ask(4)
    reply()
    expect(await next).toBe('4!')
  })
})
