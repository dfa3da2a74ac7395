import { describe, expect, it } from 'vitest'
import { testTrusts } from '../../boot/trust-test.ts'
import { setUp } from '../activities/rig.ts'

async function tested(spoil: (rig: Awaited<ReturnType<typeof setUp>>) => void = () => undefined) {
  const rig = await setUp()
  spoil(rig)
  const lines: [level: string, ...said: unknown[]][] = []
  const log = {
    info: (...said: unknown[]) => void lines.push(['info', ...said]),
    error: (...said: unknown[]) => void lines.push(['error', ...said]),
  }
  const before = rig.cloud.world.trusts.length
  await testTrusts(rig, log)
  return { lines, left: rig.cloud.world.trusts.slice(before).filter((trust) => !trust.deleted) }
}

describe('when Steward starts', () => {
  it('it makes a trust, uses it, deletes it and says that this works', async () => {
    const { lines, left } = await tested()
    expect(lines).toEqual([['info', 'trusts work: one was made, used and deleted']])
    expect(left).toEqual([])
  })

  it.each([
    ['does not answer', 503, 'KEYSTONE_UNREACHABLE'],
    ['has no trusts', 404, 'DELEGATION_REFUSED'],
  ])('it says so when Keystone %s, and starts all the same', async (_how, status, code) => {
    const { lines } = await tested(({ cloud }) =>
      cloud.fail({ service: 'identity', path: /OS-TRUST/, times: Number.POSITIVE_INFINITY }, { status }),
    )
    expect(lines).toEqual([
      ['error', { code, reason: expect.any(String) }, 'no trust could be made and used: nobody can delegate'],
    ])
  })

  it('it leaves no trust behind when it cannot be used', async () => {
    const { lines, left } = await tested(({ sessions }) => {
      sessions.throughTrust = () => {
        throw new Error('no login')
      }
    })
    expect(lines).toMatchObject([['error', { reason: 'no login' }, expect.any(String)]])
    expect(left).toEqual([])
  })
})
