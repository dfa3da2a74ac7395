import { describe, expect, it } from 'vitest'
import { RecurringActionView } from '../../core/recurrence.ts'
import { eventually } from '../../demo/stage/eventually.ts'
import { microversion, type Person } from '../../demo/stage/people.ts'
import { createServer, removeServers, showServer } from '../../demo/stage/servers.ts'
import type { Stage } from '../../demo/stage/stage.ts'
import { InstanceActions, trustsOf } from '../../demo/stories/deferred-action.ts'

/** Counted on the cloud's side: what Nova has written down about the server. */
export const recorded = async ({ session }: Person, serverId: string, action: string) => {
  const { instanceActions } = await session
    .service('compute', { microversion })
    .get(`/servers/${serverId}/os-instance-actions`, InstanceActions)
  return instanceActions.filter((entry) => entry.action === action)
}

export function recurringActions(onStage: () => Stage) {
  describe('a recurring action', () => {
    it('stops a server at its time, each time once and as its owner, and leaves no trust behind', async () => {
      const { alice, carol } = onStage()
      const server = await createServer(alice, { name: 'off-at-night', flavor: '1' })
      const state = (status: string) =>
        eventually(`the server to be ${status}`, async () => (await showServer(alice, server)).status === status)
      await state('ACTIVE')
      const before = (await trustsOf(alice)).length
      const call = { service: 'compute', method: 'POST', path: `/servers/${server}/action`, microversion }
      const start = new Date(Date.now() + 45_000).toISOString()
      const wish = { call: { ...call, body: { 'os-stop': null } }, recurrence: { interval: 'PT1M', start, count: 1 } }
      const created = await alice.steward('POST', '/v1/recurring-actions', wish)
      expect(created.status).toBe(201)
      const { id, delegated } = RecurringActionView.parse(created.body)
      const show = async () =>
        RecurringActionView.parse((await alice.steward('GET', `/v1/recurring-actions/${id}`)).body)
      expect(await trustsOf(alice)).toHaveLength(before + 1)
      expect((await carol.steward('GET', `/v1/recurring-actions/${id}`)).status).toBe(404)
      expect((await carol.steward('POST', `/v1/recurring-actions/${id}/run-now`)).status).toBe(404)

      // one more, now, which does not count
      expect((await alice.steward('POST', `/v1/recurring-actions/${id}/run-now`)).status).toBe(200)
      await state('SHUTOFF')
      await eventually('its outcome', async () => (await show()).past.length === 1)
      await alice.session
        .service('compute', { microversion })
        .request({ method: 'POST', path: `/servers/${server}/action`, body: { 'os-start': null } })
      await state('ACTIVE')

      const end = await eventually(
        'the one occurrence there is to be over',
        async () => {
          const view = await show()
          return view.trustDeleted === undefined ? undefined : view
        },
        { withinMs: 100_000 },
      )
      expect(end).toMatchObject({ state: 'ended', counted: 1, trustDeleted: true, delegated })
      expect(end.past.map(({ outcome }) => outcome)).toEqual(['done', 'done'])
      await state('SHUTOFF')
      const stops = await recorded(alice, server, 'stop')
      expect(stops.map(({ user_id }) => user_id)).toEqual([end.userId, end.userId])
      const due = end.past.find(({ at }) => at === start)
      const lateMs = Date.parse(due?.startedAt ?? '') - Date.parse(due?.at ?? '')
      expect(lateMs).toBeGreaterThanOrEqual(0)
      expect(await trustsOf(alice)).toHaveLength(before)
      await removeServers(alice, [server])
    })
  })
}
