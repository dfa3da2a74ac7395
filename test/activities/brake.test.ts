import { describe, expect, it } from 'vitest'
import { createBrake } from '../../activities/brake.ts'
import { codeOf, failure, messageOf } from '../../core/errors.ts'
import type { StopState } from '../../core/stop.ts'

const pressed: StopState = {
  by: 'olga',
  userId: 'u1',
  at: '2026-11-21T03:00:00.000Z',
  why: 'storage is on fire',
  source: 'api',
}

/** A stop button and a clock that the test moves. */
function button() {
  const at = { nowMs: 1_000_000, state: undefined as StopState | undefined, trouble: undefined as unknown, looks: 0 }
  const show = async () => {
    at.looks++
    if (at.trouble) throw at.trouble
    return at.state
  }
  return { at, brake: createBrake({ show }, () => at.nowMs) }
}

const refusal = (asked: Promise<void>) =>
  asked.then(
    () => undefined,
    (error: unknown) => ({ code: codeOf(error), message: messageOf(error) }),
  )

describe('before a side effect', () => {
  it('nothing is in the way while nobody has pressed the stop button', async () => {
    const { brake } = button()
    expect(await refusal(brake())).toBeUndefined()
  })

  it('a pressed stop button refuses it, and says who pressed it, when and why', async () => {
    const { at, brake } = button()
    at.state = pressed
    expect(await refusal(brake())).toEqual({
      code: 'STOPPED',
      message: 'olga pressed the stop button at 2026-11-21T03:00:00.000Z: storage is on fire',
    })
  })

  it('a thousand at once look only once, and one a second later looks again', async () => {
    const { at, brake } = button()
    await Promise.all(Array.from({ length: 1000 }, brake))
    expect(at.looks).toBe(1)
    at.nowMs += 999
    await brake()
    expect(at.looks).toBe(1)
    at.nowMs += 1
    at.state = pressed
    expect(await refusal(brake())).toMatchObject({ code: 'STOPPED' })
    expect(at.looks).toBe(2)
  })

  it('goes on a second after a person has resumed', async () => {
    const { at, brake } = button()
    at.state = pressed
    await refusal(brake())
    at.state = undefined
    at.nowMs += 1_000
    expect(await refusal(brake())).toBeUndefined()
  })

  it('nothing is begun while nobody can tell whether it is pressed, and the next one asks anew', async () => {
    const { at, brake } = button()
    at.trouble = failure('ENGINE_UNREACHABLE', 'Temporal does not answer')
    expect(await refusal(brake())).toMatchObject({ code: 'ENGINE_UNREACHABLE' })
    at.trouble = undefined
    expect(await refusal(brake())).toBeUndefined()
    expect(at.looks).toBe(2)
  })
})
