import got from 'got'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ActionView } from '../../core/action.ts'
import { eventually } from '../../demo/stage/eventually.ts'
import { microversion } from '../../demo/stage/people.ts'
import { createServer, removeServers, showServer, untilActive } from '../../demo/stage/servers.ts'
import type { Stage } from '../../demo/stage/stage.ts'
import { trustsOf } from '../../demo/stories/deferred-action.ts'
import { recorded } from './recurring-actions.ts'

/** Actions of the catalogue, alone and in chains, and what their owner does with them before they are due. */
export function namedActions(onStage: () => Stage) {
  describe('actions by name', () => {
    let serverId: string
    beforeEach(async () => {
      const { alice } = onStage()
      serverId = await createServer(alice, { name: 'by-name', flavor: '1' })
      await untilActive(alice, [serverId])
    })
    afterEach(() => removeServers(onStage().alice, [serverId]))

    const defer = async (payload: object) => {
      const { status, body } = await onStage().alice.steward('POST', '/v1/actions', payload)
      expect(status).toBe(201)
      return ActionView.parse(body)
    }
    const tell = (id: string, command: string) => onStage().alice.steward('POST', `/v1/actions/${id}/${command}`)
    const ended = (id: string) =>
      eventually('the end of the action', async () => {
        const view = ActionView.parse((await onStage().alice.steward('GET', `/v1/actions/${id}`)).body)
        return view.trustDeleted === undefined ? undefined : view
      })
    const statusNow = async () => (await showServer(onStage().alice, serverId)).status
    const stop = () => ({ action: 'server.stop', with: { serverId } })

    it('are done when the server is as it should be, not when Nova has accepted the call', async () => {
      const view = await ended((await defer({ ...stop(), runIn: 'PT1S' })).id)
      expect(await statusNow()).toBe('SHUTOFF')
      expect(view).toMatchObject({ state: 'done', roles: ['member'], result: { status: 202 } })
      const again = await ended((await defer({ ...stop(), runIn: 'PT0S' })).id)
      expect(again).toMatchObject({ state: 'done', result: { note: 'nothing to do: it was so already' } })
      expect(await recorded(onStage().alice, serverId, 'stop')).toHaveLength(1)
    })

    it('follow each other in a chain', async () => {
      const steps = [
        { id: 'halt', ...stop() },
        { id: 'name', action: 'server.rename', with: { serverId, name: 'rested' } },
        { id: 'go', action: 'server.start', with: { serverId } },
      ]
      const view = await ended((await defer({ steps, runIn: 'PT1S' })).id)
      expect(view.progress?.map(({ id, state }) => `${id} ${state}`)).toEqual(['halt done', 'name done', 'go done'])
      expect(view.state).toBe('done')
      expect(await showServer(onStage().alice, serverId)).toMatchObject({ name: 'rested', status: 'ACTIVE' })
      for (const action of ['stop', 'start']) expect(await recorded(onStage().alice, serverId, action)).toHaveLength(1)
    })

    it('are taken back when a later step fails that asks for it', async () => {
      const noFlavor = { action: 'server.resize', with: { serverId, flavorId: 'no-such-flavor' } }
      const steps = [
        { id: 'halt', ...stop() },
        { id: 'grow', ...noFlavor, onFailure: 'undo' },
      ]
      const view = await ended((await defer({ steps, runIn: 'PT1S' })).id)
      expect(view).toMatchObject({
        state: 'failed',
        reason: { code: 'CLOUD_REFUSED', detail: expect.stringMatching(/^step grow: .*; taken back: halt$/) },
      })
      expect(await statusNow()).toBe('ACTIVE')
    })

    it('are refused when what they name is not there, and leave no trust', async () => {
      const { alice, carol } = onStage()
      const nowhere = { action: 'server.stop', with: { serverId: '00000000-0000-4000-8000-000000000000' } }
      for (const [who, payload] of [
        [alice, { ...nowhere, runIn: 'PT1H' }],
        [carol, { ...stop(), runIn: 'PT1H' }],
      ] as const) {
        expect((await who.steward('POST', '/v1/actions', payload)).body).toMatchObject({ code: 'TARGET_MISSING' })
        expect(await trustsOf(who)).toEqual([])
      }
    })

    it('wait for their owner when they are paused, and are done when let go on', async () => {
      const { id, runAt } = await defer({ ...stop(), runIn: 'PT2S' })
      expect((await tell(id, 'pause')).status).toBe(200)
      await eventually('its time to pass', async () => Date.now() > Date.parse(runAt) + 2_000)
      expect(await statusNow()).toBe('ACTIVE')
      await tell(id, 'resume')
      expect(await ended(id)).toMatchObject({ state: 'done' })
      expect(await statusNow()).toBe('SHUTOFF')
    })

    it('are done now, changed, and done once more when their owner says so', async () => {
      const { alice } = onStage()
      const { id } = await defer({ ...stop(), runIn: 'PT5H' })
      const start = { action: 'server.start', with: { serverId }, runIn: 'PT6H' }
      const changed = await alice.steward('PATCH', `/v1/actions/${id}`, start)
      expect(changed).toMatchObject({ status: 200, body: { action: 'server.start' } })
      await alice.steward('PATCH', `/v1/actions/${id}`, stop())
      // each change has its own trust; those it replaced are given back at once
      await eventually('one trust to be left', async () => (await trustsOf(alice)).length === 1)
      await tell(id, 'run-now')
      expect(await ended(id)).toMatchObject({ state: 'done', action: 'server.stop', trustDeleted: true })
      expect(await trustsOf(alice)).toEqual([])
      const clone = await alice.steward('POST', `/v1/actions/${id}/clone`, { runIn: 'PT0S' })
      expect(await ended(ActionView.parse(clone.body).id)).toMatchObject({ state: 'done', replayOf: id })
    })

    it('are done on all servers with a tag, and on nothing else', async () => {
      const { alice } = onStage()
      const other = await createServer(alice, { name: 'keeps-going', flavor: '1' })
      try {
        await untilActive(alice, [other])
        const tag = { method: 'PUT', path: `/servers/${serverId}/tags/night-off` } as const
        await alice.session.service('compute', { microversion }).request(tag)
        const select = { tags: ['night-off'] }
        const meant = await alice.steward('POST', '/v1/actions/targets', { select })
        expect(meant.body).toMatchObject({ total: 1, servers: [{ id: serverId, status: 'ACTIVE' }] })
        const view = await ended((await defer({ action: 'server.stop', targets: { select }, runIn: 'PT1S' })).id)
        expect(view).toMatchObject({ state: 'done', group: { total: 1, done: 1 } })
        expect([await statusNow(), (await showServer(alice, other)).status]).toEqual(['SHUTOFF', 'ACTIVE'])
        const nobody = { action: 'server.stop', targets: { select: { tags: ['nobody-has-this'] } }, runIn: 'PT0S' }
        const nothing = await ended((await defer(nobody)).id)
        expect(nothing).toMatchObject({ state: 'skipped', reason: { code: 'TARGETS_MISSING' } })
      } finally {
        await removeServers(alice, [other])
      }
    })

    it('are taken in once when the same request is sent twice with a key', async () => {
      const { alice, steward } = onStage()
      const headers = { 'x-auth-token': await alice.token(), 'idempotency-key': `night-${serverId}` }
      const send = async () => {
        const { body } = await got.post(`${steward.url}/v1/actions`, { headers, json: { ...stop(), runIn: 'PT5H' } })
        return ActionView.parse(JSON.parse(body)).id
      }
      const [first, second] = [await send(), await send()]
      expect(second).toBe(first)
      expect(await trustsOf(alice)).toHaveLength(1)
      await alice.steward('DELETE', `/v1/actions/${first}`)
    })
  })
}
