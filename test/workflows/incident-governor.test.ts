import { describe, expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import type { LeaseRequest } from '../../core/governor.ts'
import { observe } from '../../workflows/incident/incident.ts'
import { until, useWorker, viewOf } from './engine.ts'
import {
  alertOf,
  asks,
  type BenchOptions,
  binaryPolicy,
  consulted,
  followTo,
  leaseIs,
  openIncident,
  order,
  personAtWork,
  service,
  texts,
  watchesOnly,
} from './incident-bench.ts'
import { type Script, tellHolder, verdict } from './scripted.ts'

const bench = useWorker()
const recovers: Script = {
  lookAtService: [service('down'), service('down'), service('up')],
  lookAtProcess: null,
  restartService: { outcome: 'restarted' },
  awaitServiceUp: { outcome: 'stable', upAfterMs: 1200 },
}
const granted = ({ request }: { request: LeaseRequest }) => verdict(request)
const stopped = consulted('refused', {
  ...{ rule: 'stop', says: 'refuse', reason: 'olga pressed the stop button', code: 'STOPPED' },
})
const stableIn1s = { with: { stableSeconds: 1, withinSeconds: 300, maxRestarts: 2 } }

async function incidentOf(script: Script, options: BenchOptions = {}) {
  const cloud = bench.cloud({ ...recovers, ...script })
  const policy = binaryPolicy(stableIn1s)
  const handle = await openIncident(bench, cloud, policy, {}, options)
  const say = (status: 'firing' | 'resolved') => handle.signal(observe, alertOf(policy, cloud, { status }))
  return { cloud, policy, handle, say }
}

describe.concurrent('an incident that is only watched', () => {
  it('says what it would have done, does nothing, and closes when the signal has stayed clear', async () => {
    const { cloud, handle, say } = await incidentOf({ consultGovernor: watchesOnly })
    const open = await followTo(handle, 'observing')
    const would = `would have: restart nova-compute on ${cloud.host}`
    expect(open).toMatchObject({ reason: { code: 'OBSERVE_ONLY', detail: would }, runs: [] })
    expect(open.rulings).toMatchObject([{ rule: 'mode', says: 'observe', code: 'OBSERVE_ONLY' }])
    expect(texts(open)).toContain('mode says observe: the mode is observe, by governor.mode')
    expect(texts(open)).toContain(would)
    await say('resolved')
    expect(await handle.result()).toMatchObject({ state: 'closed', reason: { code: 'OBSERVE_ONLY' }, signals: 2 })
    expect(cloud.names()).toEqual(['lookAtService'])
    expect(cloud.inputs('requestLease')).toEqual([])
  })

  it('stays open when the signal comes back before it has stayed clear', async () => {
    const { handle, say } = await incidentOf({ consultGovernor: watchesOnly })
    await followTo(handle, 'observing')
    await say('resolved')
    await until(async () => 'clearSince' in (await viewOf<object>(handle)), true)
    await say('firing')
    await until(async () => 'clearSince' in (await viewOf<object>(handle)), false)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect((await handle.describe()).status.name).toBe('RUNNING')
    await say('resolved')
    expect(await handle.result()).toMatchObject({ state: 'closed', signals: 4 })
  })

  it('acts by itself when it looks again and the mode lets it by then', async () => {
    const { cloud, handle } = await incidentOf(
      {
        lookAtService: [service('down'), service('down'), service('down'), service('up')],
        consultGovernor: [watchesOnly, watchesOnly, stopped, granted],
      },
      { lookAgainMs: 20 },
    )
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'closed', runs: [{ outcome: 'succeeded' }] })
    expect(view.reason).not.toHaveProperty('code')
    // it is confirmed anew, and the governor has the last word
    expect(cloud.inputs('consultGovernor')).toHaveLength(5)
    expect(texts(view).filter((text) => text.startsWith('confirmed'))).toHaveLength(2)
    expect(texts(view).filter((text) => text === 'it need not only watch any more')).toHaveLength(1)
  })

  it('acts when a person hands it back after the mode was changed', async () => {
    const { handle } = await incidentOf({
      lookAtService: [service('down'), service('down'), service('down'), service('up')],
      consultGovernor: [watchesOnly, granted],
    })
    await followTo(handle, 'observing')
    await order(handle, 'hand-back', 'olga', { why: 'the mode is auto now' })
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'closed', runs: [{ outcome: 'succeeded' }] })
    expect(view.reason).not.toHaveProperty('code')
    expect(texts(view)).toContain('olga has handed it back: the mode is auto now')
  })
})

describe.concurrent('an incident the governor says no to', () => {
  it.each([
    ['fuse', 'FUSE_BLOWN', '2 of 3 hosts of zone nova look unhealthy'],
    ['cool-down', 'TARGET_COOLING_DOWN', 'it ran there 10 min ago'],
    ['protected', 'TARGET_PROTECTED', 'the host is protected'],
    ['stop', 'STOPPED', 'olga pressed the stop button'],
  ] as const)('by its %s is a matter for people, with the figures', async (rule, code, reason) => {
    const { cloud, handle } = await incidentOf({
      consultGovernor: consulted('refused', { rule, says: 'refuse', reason, code, figures: { down: 2 } }),
    })
    const view = await followTo(handle, 'escalated')
    expect(view).toMatchObject({ reason: { code, detail: reason }, runs: [], rulings: [{ figures: { down: 2 } }] })
    expect(texts(view)).toContain(`${rule} says refuse: ${reason}`)
    expect(cloud.inputs('restartService')).toEqual([])
  })

  it.each(['STOPPED', 'TARGET_BUSY', 'BUDGET_EXHAUSTED', 'FUSE_BLOWN'] as const)(
    'when its run asks for the lease (%s) is a matter for people, and no failure of the runbook',
    async (code) => {
      const { cloud, handle } = await incidentOf({
        requestLease: leaseIs({ says: 'refused', code, reason: 'no' }),
      })
      expect(await followTo(handle, 'escalated')).toMatchObject({
        reason: { code, detail: 'no' },
        runs: [{ outcome: 'stopped', detail: 'no' }],
      })
      expect(cloud.inputs('restartService')).toEqual([])
      expect(cloud.inputs('reportOutcome')).toEqual([])
    },
  )

  it('is a matter for people when nobody can count the hosts that are well', async () => {
    const { handle } = await incidentOf({ surveyHosts: failure('HOST_UNKNOWN', 'Nova lists no such host') })
    expect(await followTo(handle, 'escalated')).toMatchObject({ reason: { code: 'HOST_UNKNOWN' }, runs: [] })
  })
})

describe.concurrent('an incident that must wait', () => {
  it('waits in its run when another run holds the host', async () => {
    const busy = { says: 'wait', reason: 'the host is held by a plan', code: 'TARGET_BUSY' } as const
    const { cloud, handle } = await incidentOf({
      consultGovernor: consulted('wait', { ...busy, rule: 'lease', figures: { requester: 'plan' } }),
      async requestLease({ request }: { request: LeaseRequest }) {
        await tellHolder(bench.client, request)
        return verdict(request, busy)
      },
    })
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'closed', runs: [{ outcome: 'succeeded' }] })
    expect(texts(view)).toContain('lease says wait: the host is held by a plan')
    expect(cloud.inputs('restartService')).toHaveLength(1)
  })

  it('is suppressed while a person is at work on the host, then looked at anew', async () => {
    const { cloud, handle } = await incidentOf(
      {
        lookAtService: [service('down'), service('down'), service('down'), service('up')],
        consultGovernor: [personAtWork, personAtWork, personAtWork, granted],
      },
      { lookAgainMs: 50 },
    )
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'closed', runs: [{ outcome: 'succeeded' }] })
    expect(texts(view)).toContain('somebody is at work there: the host is held by olga (person)')
    expect(texts(view)).toContain('nobody is at work there any more')
    // before its first plan, twice in vain, once free, and before the plan it then makes
    expect(cloud.inputs('consultGovernor')).toHaveLength(5)
    expect(view.timeline.filter(({ text }) => text.startsWith('somebody is at work'))).toHaveLength(1)
  })

  it('asks nobody for an approval while a person is at work on the host', async () => {
    const both = ({ request }: { request: LeaseRequest }) => {
      const held = { rule: 'lease', says: 'wait', reason: 'held by olga', figures: { requester: 'person' } } as const
      return verdict(request, { says: 'ask', rulings: [{ rule: 'mode', says: 'ask', reason: 'ask' }, held] })
    }
    const { handle, say } = await incidentOf({ consultGovernor: both }, { lookAgainMs: 60_000 })
    expect(await followTo(handle, 'suppressed')).not.toHaveProperty('proposal')
    await say('resolved')
    expect(await handle.result()).toMatchObject({
      state: 'closed',
      runs: [],
      reason: { detail: 'resolved before anything was done' },
    })
  })
})

describe.concurrent('a run that is told something else than the incident was', () => {
  it.each([
    ['a person must say yes after all', 'APPROVAL_NEEDED', asks, 'asking'],
    ['it may only watch after all', 'OBSERVE_ONLY', watchesOnly, 'observing'],
  ] as const)('begins nothing, and the governor is consulted anew: %s', async (_case, code, then, state) => {
    const { cloud, handle } = await incidentOf({
      consultGovernor: [granted, then],
      requestLease: leaseIs({ says: 'refused', code, reason: 'the mode was changed' }),
    })
    expect(await followTo(handle, state)).toMatchObject({
      runs: [{ outcome: 'stopped', detail: 'the mode was changed' }],
    })
    expect(cloud.inputs('restartService')).toEqual([])
  })

  it('is a matter for people when the two words never come together', async () => {
    const { cloud, handle } = await incidentOf({
      requestLease: leaseIs({ says: 'refused', code: 'APPROVAL_NEEDED', reason: 'ask first' }),
    })
    expect(await followTo(handle, 'escalated')).toMatchObject({ reason: { code: 'APPROVAL_NEEDED' } })
    expect(cloud.inputs('consultGovernor')).toHaveLength(4)
  })

  it('that gave way is planned anew, and it does not count as an attempt', async () => {
    const gaveWay = leaseIs({ says: 'refused', code: 'GAVE_WAY', reason: 'a person needs the host' })
    const { cloud, handle } = await incidentOf({ requestLease: [gaveWay, leaseIs({})] }, { lookAgainMs: 50 })
    const view = await handle.result()
    expect(view.runs.map(({ outcome, helped }) => [outcome, helped])).toEqual([
      ['stopped', undefined],
      ['succeeded', true],
    ])
    expect(view.state).toBe('closed')
    expect(texts(view)).toContain('the run gave way: a person needs the host')
    expect(cloud.inputs('reportOutcome')).toHaveLength(1)
  })

  it('that gives way again and again is a matter for people', async () => {
    const { handle } = await incidentOf(
      { requestLease: leaseIs({ says: 'refused', code: 'GAVE_WAY', reason: 'a person needs the host' }) },
      { lookAgainMs: 10 },
    )
    const view = await followTo(handle, 'escalated')
    expect(view).toMatchObject({ reason: { code: 'GAVE_WAY' } })
    expect(view.runs).toHaveLength(4)
  })
})
