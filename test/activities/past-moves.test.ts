import { describe, expect, it } from 'vitest'
import { readPastMoves } from '../../activities/past-moves.ts'
import { codeOf } from '../../core/errors.ts'
import { rejection } from '../openstack/server.ts'
import { setUp } from './rig.ts'

const hourMs = 3_600_000

/** Reads the moves of a day. */
async function aDay() {
  const rig = await setUp()
  const nowMs = Math.floor(Date.now() / 1000) * 1000
  const read = async () => {
    const wish = { sinceMs: nowMs - 24 * hourMs, requestId: rig.requestId }
    return rig.run(async () => readPastMoves(await rig.sessions.forRemediation(), wish))
  }
  return { ...rig, nowMs, read }
}

describe('the moves of the past', () => {
  it('are those that Nova has, by whomever they were asked for', async () => {
    const { cloud, nowMs, read } = await aDay()
    const runbook = { serverId: 's-1', from: 'compute1', to: 'compute2' }
    const person = { serverId: 's-2', from: 'compute2', to: 'compute3' }
    cloud.addMigration({ ...runbook, changedMs: nowMs - hourMs })
    cloud.addMigration({ ...person, changedMs: nowMs - 2 * hourMs, status: 'confirmed' })
    cloud.addMigration({ serverId: 's-3', from: 'compute1', to: 'compute2', changedMs: nowMs - 25 * hourMs })
    expect(await read()).toEqual([
      { ...person, atMs: nowMs - 2 * hourMs },
      { ...runbook, atMs: nowMs - hourMs },
    ])
    expect(cloud.received.filter(({ path }) => path.endsWith('/os-migrations'))).toHaveLength(1)
  })

  it('count from when a server arrived, not from when its way began', async () => {
    const { cloud, nowMs, read } = await aDay()
    const move = { serverId: 's-1', from: 'compute1', to: 'compute2' }
    cloud.addMigration({ ...move, createdMs: nowMs - 30 * hourMs, changedMs: nowMs - hourMs })
    expect(await read()).toEqual([{ ...move, atMs: nowMs - hourMs }])
  })

  it.each([
    ['failed', { status: 'failed' }],
    ['is under way', { status: 'running' }],
    ['was taken back', { status: 'reverted' }],
    ['found no host', { status: 'completed', to: null }],
    ['stayed on its host, as a resize may', { status: 'confirmed', to: 'compute1' }],
  ])('leave out one that %s', async (_what, more) => {
    const { cloud, read } = await aDay()
    cloud.addMigration({ serverId: 's-1', from: 'compute1', to: 'compute2', ...more })
    expect(await read()).toEqual([])
  })

  it('are not made up when Nova does not say', async () => {
    const { cloud, read } = await aDay()
    cloud.fail({ service: 'compute', path: /os-migrations/ }, { status: 503 })
    expect(codeOf(await rejection(read()))).toBe('CLOUD_BUSY')
  })
})
