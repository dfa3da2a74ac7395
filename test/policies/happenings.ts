import type { ActionView } from '../../core/action.ts'
import { newPlan, type PlanView } from '../../core/cloud-plan.ts'
import type { Incident } from '../../core/incident.ts'
import type { Announcement, RunWord } from '../../core/notification.ts'
import type { RecurringActionView } from '../../core/recurrence.ts'
import { Recurrence } from '../../core/recurrence.ts'
import { digestOf } from '../../policies/planner/digest.ts'
import { drainDocument } from '../api/plans.ts'

export const at = '2026-11-21T01:00:00.000Z'
export const id = 'b6f3c7a2-9d7e-4c0e-8f51-0d6f2c3b4a59'

export const actionView = (changes: Partial<ActionView> = {}): ActionView => ({
  ...{ id, state: 'failed', projectId: 'project-1', userId: 'user-1', roles: ['member'] },
  ...{ action: 'server.stop', with: { serverId: '6f1c' }, runAt: at, createdAt: at },
  reason: { code: 'CLOUD_REFUSED', detail: 'compute said no' },
  ...changes,
})

export const incidentView = (changes: Partial<Incident> = {}): Incident => ({
  ...{ id, workflowId: 'incident/dead/cmp-1', policy: 'dead', host: 'cmp-1', binary: 'nova-compute' },
  ...{ state: 'escalated', summary: 'nova-compute on cmp-1 is down', source: 'poll', openedAt: at, signals: 1 },
  ...{ runs: [], rung: 0, answers: [], timeline: [{ at, text: 'people are needed: it did not help' }] },
  ...changes,
})

/** One that four hosts have part in. */
export const planView = (changes: Partial<PlanView> = {}): PlanView => ({
  ...newPlan({ id, goal: 'drain', options: { drain: ['a'] }, by: 'olga', userId: 'u-olga', createdAt: at }),
  ...{ state: 'proposed', needs: 1, answerBy: at, digest: digestOf(drainDocument(Date.parse(at)), 'pack-1') },
  ...changes,
})

const recurringView: RecurringActionView = {
  ...{
    id,
    state: 'delegation-lost',
    projectId: 'project-1',
    userId: 'user-1',
    roles: ['member'],
    name: 'nightly stop',
  },
  ...{ action: 'server.stop', with: { serverId: '6f1c' }, recurrence: Recurrence.parse({ interval: 'PT6H' }) },
  ...{ maxLatenessSeconds: 60, createdAt: at, delegated: { since: at, until: at }, counted: 3, running: [], past: [] },
  reason: 'DELEGATION_LOST: the trust is gone',
}

const delegationView = {
  ...{ state: 'lost' as const, trustorUserId: 'user-1', trustorName: 'ana', projectId: 'project-1', roles: ['admin'] },
  ...{ createdAt: at, expiresAt: at, reason: 'the trust is gone' },
}

const pressed = { by: 'olga', userId: 'u-olga', at, why: 'storage is on fire', source: 'api' as const }
const released = { ...pressed, by: 'pia', why: 'the fire is out' }

const runWord: RunWord = {
  ...{ id, runbook: 'notify', by: 'olga', why: 'the move', text: 'rack 4 is empty', severity: 'error' },
}

/** One of each family. */
export const announcements = {
  action: { event: 'action.failed', subject: `action/${id}`, sequence: 1, at, view: actionView() },
  warning: {
    ...{ event: 'action.warned', subject: `action/${id}`, sequence: 2, at },
    view: actionView({ state: 'warned', warning: { code: 'TARGET_MISSING', detail: 'there is no server 6f1c' } }),
  },
  occurrence: {
    ...{ event: 'action.failed', subject: `action/${id}/${at}`, sequence: 1, at },
    view: actionView({ occurrence: at }),
  },
  recurring: {
    ...{ event: 'recurring-action.delegation-lost', subject: `recurring-action/${id}`, sequence: at, at },
    view: recurringView,
  },
  incident: { event: 'incident.escalated', subject: `incident/${id}`, sequence: 3, at, view: incidentView() },
  delegation: {
    ...{ event: 'delegation.lost', subject: 'delegation/remediation', sequence: at, at },
    view: delegationView,
  },
  plan: { event: 'plan.proposed', subject: `plan/${id}`, sequence: 1, at, view: planView() },
  stale: {
    ...{ event: 'plan.stale', subject: `plan/${id}`, sequence: 2, at },
    view: planView({ state: 'stale', reason: { code: 'PLAN_STALE', detail: 'wave 2 of 2: server 4 is gone' } }),
  },
  pressed: { event: 'stop.pressed', subject: 'stop/1', sequence: 1, at, view: { stopped: true, state: pressed } },
  released: {
    ...{ event: 'stop.released', subject: 'stop/1', sequence: 1, at },
    view: { stopped: false, state: pressed, released },
  },
  asking: {
    ...{ event: 'run.asking', subject: `run/${id}`, sequence: 'question-1', at },
    view: { ...runWord, text: 'is rack 4 dark?', until: at },
  },
  notice: { event: 'run.notice', subject: `run/${id}`, sequence: 1, at, view: runWord },
} satisfies Record<string, Announcement>
