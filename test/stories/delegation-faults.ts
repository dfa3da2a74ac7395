import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ActionView } from '../../core/action.ts'
import { eventually } from '../../demo/stage/eventually.ts'
import { microversion } from '../../demo/stage/people.ts'
import { createServer, removeServers, showServer, untilActive } from '../../demo/stage/servers.ts'
import type { Stage } from '../../demo/stage/stage.ts'
import { trustsOf } from '../../demo/stories/deferred-action.ts'

/** Secrets of application credentials that Steward was lent, which nobody must find afterwards. */
export const lentSecrets: string[] = []

const Made = z.object({ application_credential: z.object({ id: z.string(), secret: z.string() }) })

export function delegationFaults(onStage: () => Stage) {
  describe('deferred actions that meet trouble', () => {
    let serverId: string
    beforeEach(async () => {
      const { alice } = onStage()
      serverId = await createServer(alice, { name: 'deferred', flavor: '1' })
      await untilActive(alice, [serverId])
    })
    afterEach(() => removeServers(onStage().alice, [serverId]))

    const stopIn = async (seconds: number, rights: object = {}) => {
      const created = await onStage().alice.steward('POST', '/v1/actions', {
        ...rights,
        runIn: `PT${seconds}S`,
        call: {
          service: 'compute',
          method: 'POST',
          path: `/servers/${serverId}/action`,
          body: { 'os-stop': null },
          microversion,
        },
      })
      expect(created.status).toBe(201)
      return ActionView.parse(created.body)
    }
    const ended = (id: string) =>
      eventually('the end of the action', async () => {
        const { status, body } = await onStage().alice.steward('GET', `/v1/actions/${id}`)
        // while Keystone is away nobody can tell who asks
        if (status === 503) return undefined
        const view = ActionView.parse(body)
        return view.trustDeleted === undefined ? undefined : view
      })

    it('makes the call late, not never, when Keystone is down at the due time', async () => {
      const { cloud, alice } = onStage()
      const action = await stopIn(6)
      await cloud.stopProgram('keystone')
      try {
        await eventually('the due time to pass', async () => Date.now() > Date.parse(action.runAt) + 4_000)
      } finally {
        await cloud.startProgram('keystone')
      }
      const view = await ended(action.id)
      expect(view).toMatchObject({ state: 'done', result: { status: 202 } })
      expect(view.latenessMs).toBeGreaterThan(3_000)
      await eventually('the server to stop', async () => (await showServer(alice, serverId)).status === 'SHUTOFF')
    })

    it('says that the delegation was lost when its owner deletes the trust, and calls nothing', async () => {
      const { alice } = onStage()
      const action = await stopIn(6)
      const [trust] = await trustsOf(alice)
      await alice.session.service('identity').request({ method: 'DELETE', path: `/OS-TRUST/trusts/${trust?.id}` })
      const view = await ended(action.id)
      expect(view).toMatchObject({ state: 'delegation-lost', reason: { code: 'DELEGATION_LOST' } })
      expect((await showServer(alice, serverId)).status).toBe('ACTIVE')
    })

    const endedWithoutTrust = (id: string) =>
      eventually('the end of the action', async () => {
        const view = ActionView.parse((await onStage().alice.steward('GET', `/v1/actions/${id}`)).body)
        return view.endedAt === undefined ? undefined : view
      })

    /** An application credential of alice's that is good for no more than stopping servers and looking at them. */
    const lend = async () => {
      const { alice } = onStage()
      const { userId } = await alice.session.token()
      const path = `/users/${userId}/application_credentials`
      const rule = (method: string, at: string) => ({ service: 'compute', method, path: at })
      const application_credential = {
        name: `stories ${Date.now()}`,
        roles: [{ name: 'member' }],
        access_rules: [rule('POST', '/v2.1/servers/*/action'), rule('GET', '/v2.1/servers/**')],
      }
      const identity = alice.session.service('identity')
      const { body } = await identity.request({ method: 'POST', path, body: { application_credential } })
      const { id, secret } = Made.parse(body).application_credential
      lentSecrets.push(secret)
      return { id, secret, remove: () => identity.request({ method: 'DELETE', path: `${path}/${id}` }) }
    }

    it('makes the call with the rights of an application credential with access rules, without any trust', async () => {
      const { alice } = onStage()
      const { id, secret, remove } = await lend()
      const action = await stopIn(2, { applicationCredential: { id, secret } })
      expect(action.delegatedBy).toMatchObject({ kind: 'application-credential', applicationCredentialId: id })
      expect(await trustsOf(alice)).toEqual([])
      const done = await endedWithoutTrust(action.id)
      expect(done).toMatchObject({ state: 'done', result: { status: 202 } })
      expect(done).not.toHaveProperty('trustDeleted')
      await eventually('the server to stop', async () => (await showServer(alice, serverId)).status === 'SHUTOFF')
      await remove()
    })

    it('says that the delegation was lost when its owner deletes the application credential, and calls nothing', async () => {
      const { alice } = onStage()
      const { id, secret, remove } = await lend()
      const action = await stopIn(6, { applicationCredential: { id, secret } })
      await remove()
      const lost = await endedWithoutTrust(action.id)
      expect(lost).toMatchObject({ state: 'delegation-lost', reason: { code: 'DELEGATION_LOST' } })
      expect((await showServer(alice, serverId)).status).toBe('ACTIVE')
    })

    it('deletes the trust of a cancelled action and calls nothing', async () => {
      const { alice } = onStage()
      const action = await stopIn(3600)
      expect(await trustsOf(alice)).toHaveLength(1)
      const cancelled = await alice.steward('DELETE', `/v1/actions/${action.id}`)
      expect(cancelled).toMatchObject({ status: 200, body: { state: 'cancelled', trustDeleted: true } })
      expect(await trustsOf(alice)).toEqual([])
      expect(await alice.steward('DELETE', `/v1/actions/${action.id}`)).toMatchObject({
        status: 409,
        body: { code: 'ACTION_CLOSED' },
      })
    })

    it('shows nothing of it to another project', async () => {
      const { carol } = onStage()
      const action = await stopIn(3600)
      for (const method of ['GET', 'DELETE'] as const)
        expect(await carol.steward(method, `/v1/actions/${action.id}`)).toMatchObject({
          status: 404,
          body: { code: 'ACTION_NOT_FOUND' },
        })
      expect((await carol.steward('GET', '/v1/actions')).body).toEqual({ actions: [] })
      await onStage().alice.steward('DELETE', `/v1/actions/${action.id}`)
    })

    it('is content with a server that was stopped already', async () => {
      const { alice } = onStage()
      const path = `/servers/${serverId}/action`
      await alice.session
        .service('compute', { microversion })
        .request({ method: 'POST', path, body: { 'os-stop': null } })
      await eventually('the server to stop', async () => (await showServer(alice, serverId)).status === 'SHUTOFF')
      const view = await ended((await stopIn(1)).id)
      expect(view).toMatchObject({ state: 'done', result: { status: 409, note: /SHUTOFF already/ } })
    })

    it("reports Nova's refusal in Nova's words", async () => {
      const { alice } = onStage()
      const created = await alice.steward('POST', '/v1/actions', {
        runIn: 'PT1S',
        // else it would be refused at once
        unchecked: true,
        call: {
          service: 'compute',
          method: 'POST',
          path: '/servers/00000000-0000-4000-8000-000000000000/action',
          body: { 'os-stop': null },
        },
      })
      const view = await ended(ActionView.parse(created.body).id)
      expect(view).toMatchObject({ state: 'failed', reason: { code: 'CLOUD_REFUSED', detail: /could not be found/ } })
    })

    it('refuses, and leaves no trust, when the caller may not or the call makes no sense', async () => {
      const { alice } = onStage()
      const ask = (call: object) => alice.steward('POST', '/v1/actions', { runIn: 'PT1H', call })
      const base = { service: 'compute', method: 'POST', path: `/servers/${serverId}/action` }
      const cases = [
        [{ ...base, body: { evacuate: {} } }, 403, 'ROLE_MISSING'],
        [{ ...base, body: { 'os-stop': null }, microversion: '2.999' }, 502, 'MICROVERSION_UNSUPPORTED'],
        [{ ...base, service: 'no-such-service' }, 400, 'SERVICE_UNKNOWN'],
        [{ ...base, path: 'http://169.254.169.254/latest' }, 400, 'PATH_REFUSED'],
        [{ ...base, path: '/../../v3/users' }, 400, 'PATH_REFUSED'],
      ] as const
      for (const [call, status, code] of cases) expect(await ask(call)).toMatchObject({ status, body: { code } })
      expect(await trustsOf(alice)).toEqual([])
    })
  })
}
