import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PowerReading, powerWays } from '../../core/power.ts'
import { type FenceEvidence, fenceDefaults, proveOff } from '../../policies/fence-proof.ts'

const orderedAt = '2026-11-20T10:00:00.000Z'
const later = (seconds: number) => new Date(Date.parse(orderedAt) + seconds * 1000).toISOString()
const now = later(60)

const reading = (seconds: number, changes: Partial<PowerReading> = {}): PowerReading => ({
  ...{ host: 'compute1', state: 'off', way: 'redfish', asked: 'GET https://bmc1/redfish/v1/Systems/1' },
  ...{ said: 'PowerState: Off', at: later(seconds), ...changes },
})
const evidence = (readings: readonly PowerReading[], changes: Partial<FenceEvidence> = {}): FenceEvidence => ({
  ...{ host: 'compute1', orderedAt, readings },
  ...changes,
})
const off = [reading(5), reading(15)]

describe('a host is proved off', () => {
  it('by two readings of its BMC after the order, far enough apart', () => {
    expect(proveOff(evidence(off), now)).toEqual({
      verdict: 'proved off',
      reason: `read as off at ${later(5)} and at ${later(15)}, after the order of ${orderedAt}`,
      by: off,
    })
  })

  it('also when it answers no more, which is told', () => {
    const options = { ...fenceDefaults, needsSilence: true }
    expect(proveOff(evidence(off, { answers: false }), now, options)).toMatchObject({
      verdict: 'proved off',
      reason: expect.stringMatching(/, and it answers no more$/),
    })
  })

  it('by a reading in the moment of the order, which was asked for after it', () => {
    const readings = [reading(0), reading(10)]
    expect(proveOff(evidence(readings), now)).toMatchObject({ verdict: 'proved off', by: readings })
  })

  it('by two readings after it had been read as on', () => {
    const readings = [reading(1, { state: 'on' }), ...off]
    expect(proveOff(evidence(readings), now)).toMatchObject({ verdict: 'proved off', by: off })
  })
})

describe('a host is not proved off', () => {
  it.each<[string, FenceEvidence, string]>([
    ['by nothing', evidence([]), 'no reading after the order by redfish or ipmi says off'],
    ['by one reading', evidence([reading(5)]), 'only one reading says off'],
    ['by readings too close together', evidence([reading(5), reading(14.9)]), 'the readings are 9.9 s apart'],
    ['by what was read before the order', evidence([reading(-20), reading(-10)]), 'no reading after the order'],
    ['by what was read just before', evidence([reading(-0.001), reading(15)]), 'only one reading says off'],
    ['of another host', evidence([reading(5), reading(15, { host: 'compute2' })]), 'only one reading'],
    ['by what Ironic wrote down', evidence(off.map((one) => ({ ...one, way: 'ironic' }))), 'no reading after the'],
    ['by a command', evidence(off.map((one) => ({ ...one, way: 'command' }))), 'no reading after the order'],
    [
      'when it was read as on in between',
      evidence([...off, reading(10, { state: 'on' })]),
      'only one reading says off',
    ],
    ['when it was read as on at last', evidence([...off, reading(20, { state: 'on' })]), 'other than off at'],
    ['when it was read as on at the same time', evidence([...off, reading(15, { state: 'on' })]), 'other than off'],
    ['when it is on its way', evidence([...off, reading(20, { state: 'unknown' })]), 'other than off at'],
    ['when it still answers', evidence(off, { answers: true }), 'compute1 still answers'],
    ['by readings to come', evidence([reading(50), reading(61)]), 'a reading is of no time, or of one to come'],
    ['by readings without a time', evidence([reading(5), reading(15, { at: 'soon' })]), 'a reading is of no time'],
    ['without an order', evidence(off, { orderedAt: '' }), 'nobody can tell when it was ordered off'],
  ])('%s', (_case, given, reason) => {
    const told = proveOff(given, now)
    expect(told.verdict).toBe('not proved')
    expect(told.reason).toContain(reason)
  })

  it('by readings of long ago: it may have been turned on since', () => {
    const told = proveOff(evidence(off), later(15 + fenceDefaults.freshSeconds + 1))
    expect(told).toEqual({ verdict: 'not proved', reason: expect.stringContaining('turned on since') })
  })

  it('while nobody has looked whether it answers, where that is wanted', () => {
    const told = proveOff(evidence(off), now, { ...fenceDefaults, needsSilence: true })
    expect(told).toEqual({ verdict: 'not proved', reason: 'nobody has looked whether compute1 still answers' })
  })
})

describe('whatever was read', () => {
  const Reading = fc
    .record({
      seconds: fc.integer({ min: -30, max: 70 }),
      state: fc.constantFrom('off' as const, 'off' as const, 'off' as const, 'on' as const, 'unknown' as const),
      way: fc.constantFrom(...powerWays),
      host: fc.constantFrom('compute1', 'compute1', 'compute1', 'compute2'),
    })
    .map(({ seconds, ...rest }) => reading(seconds, rest))
  const Readings = fc.array(Reading, { maxLength: 8 })
  const Answers = fc.constantFrom<Partial<FenceEvidence>>({}, { answers: true }, { answers: false })
  const ms = (one: PowerReading) => Date.parse(one.at)

  it('a proof has two trusted readings after the order, far enough apart, and no doubt since the first of them', () => {
    let proofs = 0
    fc.assert(
      fc.property(Readings, Answers, (readings, answers) => {
        const told = proveOff(evidence(readings, answers), now)
        if (told.verdict === 'not proved') return
        proofs += 1
        const [first, last] = told.by
        for (const one of told.by) {
          expect(readings).toContain(one)
          expect(one).toMatchObject({ host: 'compute1', state: 'off', way: expect.stringMatching(/^(redfish|ipmi)$/) })
        }
        expect(ms(first)).toBeGreaterThanOrEqual(Date.parse(orderedAt))
        expect(ms(last) - ms(first)).toBeGreaterThanOrEqual(fenceDefaults.apartSeconds * 1000)
        expect(ms(last)).toBeLessThanOrEqual(Date.parse(now))
        expect(answers.answers).not.toBe(true)
        const doubts = readings.filter(({ host, state }) => host === 'compute1' && state !== 'off')
        expect(doubts.filter((one) => ms(one) >= ms(first))).toEqual([])
      }),
      { numRuns: 2000 },
    )
    expect(proofs).toBeGreaterThan(20)
  })

  it('the order of the readings does not matter', () => {
    const shuffled = Readings.chain((readings) =>
      fc.tuple(fc.constant(readings), fc.shuffledSubarray(readings, { minLength: readings.length })),
    )
    fc.assert(
      fc.property(shuffled, ([readings, others]) => {
        const [one, other] = [readings, others].map((given) => proveOff(evidence(given), now))
        expect(other?.verdict).toBe(one?.verdict)
        expect(other?.reason).toBe(one?.reason)
      }),
    )
  })

  it('one more reading of on, or of anything before the order, proves nothing', () => {
    fc.assert(
      fc.property(Readings, fc.integer({ min: -30, max: 60 }), (readings, seconds) => {
        if (proveOff(evidence(readings), now).verdict === 'proved off') return
        for (const more of [reading(seconds, { state: 'on' }), reading(-1 - Math.abs(seconds))])
          expect(proveOff(evidence([...readings, more]), now).verdict).toBe('not proved')
      }),
    )
  })

  it('stricter options prove no more', () => {
    fc.assert(
      fc.property(Readings, Answers, fc.nat(60), fc.nat(60), (readings, answers, apartSeconds, freshSeconds) => {
        const given = evidence(readings, answers)
        const lax = { ...fenceDefaults, apartSeconds, freshSeconds }
        const strict = { ...lax, apartSeconds: apartSeconds + 1, trusted: ['redfish' as const], needsSilence: true }
        if (proveOff(given, now, strict).verdict === 'proved off')
          expect(proveOff(given, now, lax).verdict).toBe('proved off')
      }),
    )
  })
})
