import { describe, expect, it } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import type { IncidentView, Proposal } from '../../core/incident.ts'
import type { Person } from '../../core/person.ts'
import type { Move, Plan } from '../../core/plan.ts'
import { observe } from '../../workflows/incident/incident.ts'
import { until, useWorker, viewOf } from './engine.ts'
import {
  alertOf,
  asks,
  type BenchOptions,
  brakes,
  followTo,
  gaugePolicy,
  type IncidentHandle,
  openIncident,
  order,
  texts,
} from './incident-bench.ts'
import { person } from './people.ts'
import type { Script } from './scripted.ts'

const bench = useWorker()
const move = (serverId: string, from: string, to = 'cmp-cool'): Move => ({
  ...{ serverId, serverName: serverId, from, to, memoryMiB: 512, reason: 'relieves it' },
})
const planOf =
  (...servers: string[]) =>
  ({ host }: { host: string }): Plan => ({
    ...{ moves: servers.map((id) => move(id, host)), skipped: [], before: 0.9, after: 0.7 },
  })
const moves: Script = {
  planRelief: planOf('a'),
  liveMigrate: { host: 'cmp-cool', migrationUuid: 'm-1', durationMs: 1500 },
  consultGovernor: asks,
}

async function incidentOf(script: Script = {}, options: BenchOptions = {}) {
  const cloud = bench.cloud({ ...moves, ...script })
  const policy = gaugePolicy()
  const handle = await openIncident(bench, cloud, policy, {}, options)
  const say = (status: 'firing' | 'resolved') => handle.signal(observe, alertOf(policy, cloud, { status }))
  return { cloud, policy, handle, say }
}

const approval = (more: Partial<typeof brakes.approval>) => ({
  governor: { approval: { ...brakes.approval, ...more } },
})

async function asked(handle: IncidentHandle, not?: string): Promise<Proposal> {
  const proposal = async () => (await viewOf<IncidentView | undefined>(handle))?.proposal
  await until(async () => {
    const view = await viewOf<IncidentView | undefined>(handle)
    return view?.state === 'asking' && view.proposal?.planId !== not
  }, true)
  return (await proposal()) as Proposal
}

const answer = (handle: IncidentHandle, name: string, planId: string, says: 'approved' | 'rejected' = 'approved') =>
  order(handle, 'answer', name, { planId, says })
const refusal = async (command: Promise<unknown>) => codeOf((await command.catch((error: Error) => error)) as Error)

describe.concurrent('a plan that needs a yes', () => {
  it('is laid before people exactly, and carried out after the yes on the grounds of it', async () => {
    const { cloud, handle, say } = await incidentOf()
    const { planId, ...proposal } = await asked(handle)
    expect(proposal).toMatchObject({
      ...{ runbook: 'relieve-host', targets: [`host/${cloud.host}`, 'server/a'], needs: 1 },
      ...{ sentence: 'plan: 1 move(s), 90 % → 70 %: a → cmp-cool', plan: { moves: [move('a', cloud.host)] } },
      reasons: ['the mode is ask, by governor.mode'],
    })
    expect(Date.parse(proposal.expiresAt) - Date.parse(proposal.askedAt)).toBe(1_800_000)
    expect(cloud.inputs('requestLease')).toEqual([])
    const view = await answer(handle, 'olga', planId)
    expect(view.answers).toMatchObject([{ planId, by: 'olga', userId: 'id-of-olga', says: 'approved' }])
    await followTo(handle, 'verifying')
    expect(cloud.inputs('requestLease')[0]?.request.approval).toMatchObject({ by: 'olga', planId })
    // it is not asked for again, and was made anew after the yes
    expect(cloud.inputs('consultGovernor')).toHaveLength(1)
    expect(cloud.inputs('planRelief')).toHaveLength(2)
    await say('resolved')
    expect(await handle.result()).toMatchObject({ state: 'closed', runs: [{ outcome: 'succeeded', helped: true }] })
  })

  it('is not carried out after a no, and the reason is kept', async () => {
    const { cloud, handle } = await incidentOf()
    const { planId } = await asked(handle)
    await order(handle, 'answer', 'olga', { planId, says: 'rejected', why: 'the backup runs' })
    const view = await followTo(handle, 'escalated')
    expect(view.reason).toEqual({ code: 'APPROVAL_REJECTED', detail: 'olga said no to the plan: the backup runs' })
    expect(texts(view)).toContain('olga has rejected the plan: the backup runs')
    expect(cloud.inputs('liveMigrate')).toEqual([])
  })

  it('is not carried out when nobody answers in time', async () => {
    const { cloud, handle } = await incidentOf({}, approval({ timeoutSeconds: 1 }))
    const { planId } = await asked(handle)
    const view = await followTo(handle, 'escalated')
    expect(view.reason).toEqual({ code: 'APPROVAL_REJECTED', detail: 'nobody answered in 1 s' })
    expect(cloud.inputs('liveMigrate')).toEqual([])
    expect(await refusal(answer(handle, 'olga', planId))).toBe('APPROVAL_STALE')
  })

  it('counts as approved when nobody answers in time, where steward.yaml says so', async () => {
    const { cloud, handle } = await incidentOf({}, approval({ timeoutSeconds: 1, onTimeout: 'approve' }))
    await followTo(handle, 'verifying')
    expect(cloud.inputs('requestLease')[0]?.request.approval).toMatchObject({ by: 'time-out' })
    expect(texts(await viewOf(handle))).toContain('nobody answered in 1 s: the plan counts as approved')
  })

  it('is dropped when the alert resolves while somebody thinks about it', async () => {
    const { cloud, handle, say } = await incidentOf()
    await asked(handle)
    await say('resolved')
    expect(await handle.result()).toMatchObject({
      state: 'closed',
      runs: [],
      reason: { detail: 'resolved before anything was done' },
    })
    expect(cloud.inputs('liveMigrate')).toEqual([])
  })

  it('cannot be answered by the id of another plan, nor twice', async () => {
    const { handle } = await incidentOf()
    const { planId } = await asked(handle)
    expect(await refusal(answer(handle, 'olga', '00000000-0000-4000-8000-000000000000'))).toBe('APPROVAL_STALE')
    await answer(handle, 'olga', planId)
    expect(await refusal(answer(handle, 'paul', planId, 'rejected'))).toBe('APPROVAL_STALE')
    expect((await followTo(handle, 'verifying')).answers).toHaveLength(1)
  })
})

describe.concurrent('a plan that touches many hosts', () => {
  const two = approval({ twoPersonsFromHosts: 2, timeoutSeconds: 60 })

  it('needs two persons: the same one does not count twice', async () => {
    const { cloud, handle } = await incidentOf({}, two)
    const { planId, needs } = await asked(handle)
    expect(needs).toBe(2)
    await answer(handle, 'olga', planId)
    expect(await refusal(answer(handle, 'olga', planId))).toBe('APPROVAL_OWN')
    expect(await viewOf(handle)).toMatchObject({ state: 'asking', answers: [{ by: 'olga' }] })
    await answer(handle, 'paul', planId)
    await followTo(handle, 'verifying')
    expect(cloud.inputs('requestLease')[0]?.request.approval).toMatchObject({ by: 'olga, paul' })
  })

  it('needs two persons: who answers by login and by a link at the same moment counts once', async () => {
    const { handle } = await incidentOf({}, two)
    const { planId } = await asked(handle)
    const olga = person('olga')
    const byLink = { name: 'bob', issuerId: olga.userId }
    const bob = { userId: `link:bob@${olga.userId}`, name: 'bob (by a link of olga)', byLink }
    const says = (by: Person) => order(handle, 'answer', by, { planId, says: 'approved' })
    const both = await Promise.allSettled([says(olga), says(bob)])
    expect(both.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(await viewOf(handle)).toMatchObject({ state: 'asking', answers: [{ planId, says: 'approved' }] })
  })

  it('is not carried out when only one of two said yes in time', async () => {
    const { handle } = await incidentOf({}, approval({ twoPersonsFromHosts: 2, timeoutSeconds: 2 }))
    await answer(handle, 'olga', (await asked(handle)).planId)
    expect(await followTo(handle, 'escalated')).toMatchObject({
      reason: { code: 'APPROVAL_REJECTED', detail: 'only 1 of 2 said yes in 2 s' },
    })
  })
})

describe.concurrent('a plan that has changed since the yes', () => {
  it('is another plan: somebody is asked again, and the first yes is worth nothing', async () => {
    const { cloud, handle } = await incidentOf({ planRelief: [planOf('a'), planOf('a', 'b')] })
    const first = await asked(handle)
    await answer(handle, 'olga', first.planId)
    const second = await asked(handle, first.planId)
    expect(second.targets).toContain('server/b')
    expect(texts(await viewOf(handle))).toContain('APPROVAL_STALE: the plan has changed since somebody said yes to it')
    expect(cloud.inputs('liveMigrate')).toEqual([])
    expect(await refusal(answer(handle, 'paul', first.planId))).toBe('APPROVAL_STALE')
    await answer(handle, 'olga', second.planId)
    await followTo(handle, 'verifying')
    expect(cloud.inputs('liveMigrate').map(({ serverId }) => serverId)).toEqual(['a', 'b'])
    expect(cloud.inputs('requestLease')[0]?.request.approval).toMatchObject({ planId: second.planId })
  })

  it('is a matter for people when it changes again and again', async () => {
    let made = 0
    const { cloud, handle } = await incidentOf({ planRelief: (input) => planOf(`${made++}`)(input) })
    let last: string | undefined
    for (let turn = 0; turn < 4; turn++) {
      last = (await asked(handle, last)).planId
      await answer(handle, 'olga', last)
    }
    expect(await followTo(handle, 'escalated')).toMatchObject({ reason: { code: 'APPROVAL_STALE' }, runs: [] })
    expect(cloud.inputs('liveMigrate')).toEqual([])
  })
})
