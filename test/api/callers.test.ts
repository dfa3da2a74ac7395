import { describe, expect, it } from 'vitest'
import { type Caller, type CallerCacheOptions, cacheCallers } from '../../api/callers.ts'
import { failure } from '../../core/errors.ts'
import { latch, nowMs, someone } from './app.ts'

/** A cache over a Keystone that counts its questions; the clock is the test's. */
function cached(options: CallerCacheOptions = {}, answer: (token: string) => Promise<Caller> = async () => someone()) {
  const clock = { ms: nowMs }
  const asked: string[] = []
  const check = cacheCallers(
    (token) => {
      asked.push(token)
      return answer(token)
    },
    { now: () => clock.ms, ...options },
  )
  return { check, asked, clock }
}

describe('what Keystone says of a token', () => {
  it('is asked once for many requests that come together', async () => {
    const gate = latch()
    const { check, asked } = cached({}, async () => {
      await gate.opened
      return someone()
    })
    const all = Promise.all(Array.from({ length: 50 }, () => check('a')))
    gate.open()
    expect(new Set(await all).size).toBe(1)
    expect(asked).toEqual(['a'])
  })

  it('is believed for ten seconds, and no longer', async () => {
    const { check, asked, clock } = cached()
    await check('a')
    clock.ms += 9_999
    await check('a')
    expect(asked).toEqual(['a'])
    clock.ms += 1
    await check('a')
    expect(asked).toEqual(['a', 'a'])
  })

  it('is not believed beyond the end of the token', async () => {
    const { check, asked, clock } = cached({}, async () => someone({ expiresAt: new Date(nowMs + 2000) }))
    await check('a')
    clock.ms += 1999
    await check('a')
    expect(asked).toEqual(['a'])
    clock.ms += 1
    await check('a')
    expect(asked).toEqual(['a', 'a'])
  })

  it('is never mixed up between tokens', async () => {
    const { check } = cached({}, async (token) => someone({ userId: `user-of-${token}` }))
    for (const token of ['a', 'b', 'a ', 'A', '__proto__']) expect((await check(token)).userId).toBe(`user-of-${token}`)
  })

  it('is asked again after a refusal, which is told to all who waited for it', async () => {
    let refuse: unknown = failure('TOKEN_INVALID', 'no')
    const { check, asked } = cached({}, async () => {
      if (refuse) throw refuse
      return someone()
    })
    const results = await Promise.allSettled([check('a'), check('a')])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(asked).toEqual(['a'])
    refuse = undefined
    expect(await check('a')).toMatchObject({ userId: 'user-ana' })
    expect(asked).toEqual(['a', 'a'])
  })

  it('is forgotten, oldest first, when there is more than fits', async () => {
    const { check, asked } = cached({ mostEntries: 2 })
    for (const token of ['a', 'b', 'c']) await check(token)
    await check('c')
    await check('b')
    expect(asked).toEqual(['a', 'b', 'c'])
    await check('a')
    expect(asked).toEqual(['a', 'b', 'c', 'a'])
  })
})
