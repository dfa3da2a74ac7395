import { describe, expect, it, vi } from 'vitest'
import type { Server } from '../../simulator/cloud.ts'
import { flavors } from '../../simulator/openstack/world.ts'
import { answerRun } from '../../workflows/sdk/questions.ts'
import { doneTo, type Started, useLibrary } from './library-bench.ts'

const { cloud, start } = await useLibrary()
cloud.addHost('dead')
cloud.kill('dead')
Object.assign(cloud.service('nova-compute', 'dead'), { lastReportMs: 0 })

const sick = (more: Partial<Server & { host: string }> = {}, action = 'reboot', minutes = 60) => {
  const server = cloud.addServer({ host: 'compute1', flavor: flavors[0]!, status: 'ERROR', vmState: 'error', ...more })
  server.actions.unshift({
    ...{ action, requestId: `req-${server.id}`, userId: 'u', projectId: 'p', startMs: Date.now() - minutes * 60_000 },
    message: 'Error',
    events: [{ event: 'compute_reboot', result: 'Error', details: 'the disk was gone' }],
  })
  return server
}

/** Says yes or no to the next thing the run asks. */
async function answer({ handle, view }: Started, yes: boolean): Promise<string | undefined> {
  const question = await vi.waitFor(
    async () => (await view()).question ?? Promise.reject(new Error('nothing is asked')),
    30_000,
  )
  await handle.executeUpdate(answerRun, { args: [{ questionId: question.id, by: 'paul', yes }] })
  return question.text
}

describe.concurrent('bringing back a server', () => {
  it('in ERROR cuts its power and starts it, and keeps why it was so', async () => {
    const server = sick()
    const { handle } = await start('recover-server', { serverId: server.id })
    expect(await handle.result()).toEqual({
      summary: `${server.name} is ACTIVE on compute1 again, by reboot`,
      did: ['reboot'],
      was: 'it is ERROR since reboot failed (the disk was gone)',
    })
    expect(doneTo(cloud, server)).toEqual(['reset'])
    const { memo } = await handle.describe()
    expect(memo?.evidence).toMatchObject({
      before: { status: 'ERROR', actions: [{ action: 'reboot', reason: 'the disk was gone' }] },
    })
  })

  it('stuck in a task resets its state, and does no more when that is enough', async () => {
    const server = sick({ status: 'ACTIVE', vmState: 'active', taskState: 'image_snapshot' }, 'createImage')
    const { handle } = await start('recover-server', { serverId: server.id })
    expect((await handle.result()).summary).toBe(`${server.name} is ACTIVE on compute1 again, by reset-state`)
    expect(doneTo(cloud, server)).toEqual(['state reset to active'])
  })

  it('that is well does nothing', async () => {
    const server = cloud.addServer({ host: 'compute1', flavor: flavors[0]! })
    const { handle } = await start('recover-server', { serverId: server.id })
    expect((await handle.result()).summary).toBe(`${server.name}: it is ACTIVE and does nothing`)
    expect(doneTo(cloud, server)).toEqual([])
  })

  it('that is dry says what it would do', async () => {
    const server = sick({ status: 'ACTIVE', vmState: 'active', taskState: 'rebooting' })
    const { handle } = await start('recover-server', { serverId: server.id }, { dryRun: true })
    expect((await handle.result()).summary).toBe(
      `${server.name} would be brought back by reset-state, then if need be reboot`,
    )
    expect(doneTo(cloud, server)).toEqual([])
  })

  it('that is busy, or on a host that is down, is refused before the lease is asked for', async () => {
    const busy = await start('recover-server', { serverId: sick({ taskState: 'rebooting' }, 'reboot', 1).id })
    expect((await busy.refused())[0]).toBe('SERVER_UNFIT')
    const dead = sick({ host: 'dead' })
    const lost = await start('recover-server', { serverId: dead.id })
    expect(await lost.refused()).toEqual([
      'HOST_UNFIT',
      `${dead.name} cannot be brought back on dead: its nova-compute is down`,
    ])
    expect([busy, lost].flatMap(({ scripted }) => scripted.inputs('requestLease'))).toEqual([])
    expect(doneTo(cloud, dead)).toEqual([])
  })

  it('needs what comes first to be allowed', async () => {
    const server = sick({ status: 'ACTIVE', vmState: 'active', taskState: 'rebooting' })
    const { refused } = await start('recover-server', { serverId: server.id, allow: ['reboot'] })
    expect(await refused()).toEqual([
      'SERVER_UNFIT',
      `${server.name}: it takes reset-state first, which is not allowed`,
    ])
    expect(doneTo(cloud, server)).toEqual([])
  })

  it('that may run elsewhere starts it only after a person said that it does not', async () => {
    const server = sick({}, 'live-migration')
    const run = await start('recover-server', { serverId: server.id })
    expect(await answer(run, true)).toMatch('it may run on another host than compute1')
    expect((await run.handle.result()).did).toEqual(['reboot'])

    const another = sick({}, 'live-migration')
    const declined = await start('recover-server', { serverId: another.id })
    await answer(declined, false)
    expect((await declined.refused())[0]).toBe('RUN_REFUSED')
    expect(doneTo(cloud, another)).toEqual([])
  })

  it('that stays in error is rebuilt only where that is allowed and a person says yes', async () => {
    const server = sick()
    cloud.fail(
      { service: 'compute', method: 'POST', path: new RegExp(server.id) },
      { status: 400, body: { badRequest: { message: 'no' } } },
    )
    const run = await start('recover-server', { serverId: server.id, allow: ['reboot', 'rebuild'] })
    expect(await answer(run, false)).toMatch('Everything on its root disk is lost.')
    expect((await run.refused())[0]).toBe('RUN_REFUSED')
    expect(doneTo(cloud, server)).toEqual([])
    expect((await run.view()).notes.map(({ text }) => text)).toContainEqual(
      expect.stringMatching('reboot did not help'),
    )
  })

  it('that does not come up fails, and says by what it was tried', async () => {
    const server = sick()
    cloud.fail(
      { service: 'compute', method: 'POST', path: new RegExp(server.id) },
      { status: 400, body: { badRequest: { message: 'no' } } },
    )
    const { refused } = await start('recover-server', { serverId: server.id })
    expect((await refused())[0]).toBe('CLOUD_REFUSED')
  })
})
