import type { Incident } from '../../core/incident.ts'
import { at } from './app.ts'

export const incidentId = '0193a7f0-5a51-7c3f-8d60-2f9d0f4c1e77'
export const planId = '7b0c4a52-9a4e-4f0e-9a55-0d9a6a1c2b3d'

/** An incident that asks whether it may move two servers. */
export const asking = (changes: Partial<Incident> = {}): Incident => ({
  id: incidentId,
  workflowId: 'incident/host-cpu-high/cmp-1',
  policy: 'host-cpu-high',
  host: 'cmp-1',
  state: 'asking',
  summary: 'CPU of cmp-1 above 90 % for 10 min',
  source: 'am',
  openedAt: at(-720),
  signals: 3,
  rung: 0,
  runs: [],
  answers: [],
  rulings: [
    { rule: 'targets', says: 'pass', reason: 'one target: host/cmp-1' },
    {
      rule: 'mode',
      says: 'ask',
      code: 'APPROVAL_NEEDED',
      reason: 'the mode is ask, by governor.mode of steward.yaml',
      figures: { mode: 'ask', from: 'governor.mode of steward.yaml' },
    },
    {
      rule: 'fuse',
      says: 'ask',
      code: 'APPROVAL_NEEDED',
      reason: '3 hosts are unhealthy at once',
      figures: { unhealthy: 3, hosts: 12, askFromHosts: 3 },
    },
    { rule: 'lease', says: 'pass', reason: 'nobody else acts there' },
  ],
  proposal: {
    planId,
    runbook: 'relieve-host',
    targets: ['host/cmp-1'],
    sentence: 'move 2 servers off cmp-1, so that its use of vcpu comes down from 95 % to 71 %',
    plan: {
      moves: [
        {
          serverId: 's1',
          serverName: 'web-1',
          from: 'cmp-1',
          to: 'cmp-2',
          memoryMiB: 4096,
          reason: 'frees the most vcpu',
        },
        {
          serverId: 's2',
          serverName: 'build-7',
          from: 'cmp-1',
          to: 'cmp-4',
          memoryMiB: 2048,
          reason: 'fits on no other host',
        },
      ],
      skipped: [{ subject: 'db-1', reason: 'locked by its owner' }],
      before: 0.95,
      after: 0.71,
    },
    askedAt: at(-60),
    expiresAt: at(1740),
    needs: 1,
    reasons: ['the mode is ask, by governor.mode of steward.yaml', '3 hosts are unhealthy at once'],
  },
  timeline: [
    { at: at(-720), text: 'opened: CPU of cmp-1 above 90 % for 10 min' },
    { at: at(-705), text: 'still firing after the second look' },
    { at: at(-60), text: 'asks a person: the mode is ask' },
  ],
  ...changes,
})
