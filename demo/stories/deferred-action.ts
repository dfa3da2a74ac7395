import { z } from 'zod'
import { ActionView } from '../../core/action.ts'
import { eventually } from '../stage/eventually.ts'
import { microversion, type Person } from '../stage/people.ts'
import { createServer, removeServers, showServer, untilActive } from '../stage/servers.ts'
import { expectThat, type Story } from './story.ts'

const inSeconds = 8

/** A tenant asks for a call later; Steward makes it as her, with one delegated role, and gives the trust back. */
export const deferredAction: Story = {
  title: 'A deferred call is made with delegated rights',
  async play(stage, tell) {
    const { alice, carol } = stage
    const serverId = await createServer(alice, { name: 'night-off', flavor: '1' })
    await untilActive(alice, [serverId])

    const created = await alice.steward('POST', '/v1/actions', {
      name: 'stop night-off',
      runIn: `PT${inSeconds}S`,
      call: {
        service: 'compute',
        method: 'POST',
        path: `/servers/${serverId}/action`,
        body: { 'os-stop': null },
        microversion,
      },
    })
    expectThat(created.status === 201, `the action was refused: ${JSON.stringify(created.body)}`)
    const action = ActionView.parse(created.body)
    const [trust] = await trustsOf(alice)
    expectThat(trust, 'no trust was made')
    tell(`alice: stop my server at ${action.runAt}; her trust to Steward carries the role ${action.roles.join(', ')}`)
    const hidden = await carol.steward('GET', `/v1/actions/${action.id}`)
    expectThat(hidden.status === 404, `carol of another project got ${hidden.status}`)
    tell('carol of another project asks for it: 404')

    const done = await eventually(
      'the end of the action',
      async () => {
        const { body } = await alice.steward('GET', `/v1/actions/${action.id}`)
        const view = ActionView.parse(body)
        return view.trustDeleted === undefined ? undefined : view
      },
      { withinMs: 60_000 },
    )
    expectThat(done.state === 'done', `the action is ${done.state}: ${done.reason?.detail}`)
    tell(`the call was made ${done.latenessMs} ms after its time; Nova answered ${done.result?.status}`)
    await eventually('the server to be stopped', async () => (await showServer(alice, serverId)).status === 'SHUTOFF')
    const { instanceActions } = await alice.session
      .service('compute', { microversion })
      .get(`/servers/${serverId}/os-instance-actions`, InstanceActions)
    const stop = instanceActions.find(({ action: name }) => name === 'stop')
    const { userId } = await alice.session.token()
    expectThat(stop?.user_id === userId, 'Nova did not record alice as who stopped it')
    expectThat(stop.request_id === done.result?.requestId, "the action does not carry Nova's request id")
    tell(`Nova recorded alice as who did it, request ${stop.request_id}`)
    expectThat((await trustsOf(alice)).length === 0, 'the trust is still there')
    tell('the trust is gone')
    await removeServers(alice, [serverId])
    return {
      workflowId: `action/${action.id}`,
      runId: done.runRequestId?.slice('req-'.length) ?? '',
      outcome: `stopped ${done.latenessMs} ms after its time, as alice, trust deleted`,
    }
  },
}

export const InstanceActions = z.object({
  instanceActions: z.array(z.object({ action: z.string(), user_id: z.string(), request_id: z.string() })),
})
const Trusts = z.object({ trusts: z.array(z.object({ id: z.string() })) })

export async function trustsOf({ session }: Person) {
  const { userId } = await session.token()
  const query = { trustor_user_id: userId }
  return (await session.service('identity').get('/OS-TRUST/trusts', Trusts, { query })).trusts
}
