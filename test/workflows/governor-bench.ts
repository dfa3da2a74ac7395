import type { Client } from '@temporalio/client'
import { createGovernorActivities } from '../../activities/governor.ts'
import type { Activities } from '../../core/activities.ts'
import { GovernorConfig, type LeaseRequest, type Survey } from '../../core/governor.ts'
import { createGovernor, type Governor, type GovernorPlace } from '../../temporal/governor.ts'
import type { GovernorOptions } from '../../workflows/governor.ts'

/** Brakes that do not get in the way of a test that is about another one. */
export const wideOpen = (more: Partial<GovernorConfig> = {}): GovernorConfig => ({
  ...GovernorConfig.parse({
    mode: 'auto',
    coolDownSeconds: 0,
    canary: false,
    budgets: {
      overall: { atOnce: 1000, perHour: 100_000 },
      zone: { atOnce: 1000, perHour: 100_000 },
      host: { atOnce: 1000, perHour: 100_000 },
      project: { atOnce: 1000, perHour: 100_000 },
    },
  }),
  ...more,
})

const survey: Survey = {
  takenAt: '2000-01-01T00:00:00.000Z',
  zone: { name: 'nova', up: 10, down: 0 },
  cloud: { up: 10, down: 0 },
}

export interface Governed {
  readonly governor: (client: Client, taskQueue: string) => Governor
  /** A real governor, asked by the real activities; only the hosts are made up. */
  readonly activities: (client: Client, taskQueue: string) => Partial<Activities>
}

/** A governor of its own for the runs of this task queue; its history begins anew every so often. */
export const governorPlace = (taskQueue: string, options: GovernorOptions = {}): Required<GovernorPlace> => ({
  workflowId: `governor/${taskQueue}`,
  taskQueue: `${taskQueue}-governor`,
  options: { checkHoldersEveryMs: 500, mostEvents: 200, ...options },
})

/** One governor of its own for the tests of a file. */
export function governed(config: GovernorConfig, options: GovernorOptions = {}): Governed {
  const governorOf = (client: Client, taskQueue: string) =>
    createGovernor(client, config, { ...governorPlace(taskQueue), options })
  return {
    governor: governorOf,
    activities: (client, taskQueue) => ({
      ...createGovernorActivities({
        governor: governorOf(client, taskQueue),
        client,
        sessions: undefined as never,
        brake: async () => undefined,
      }),
      surveyHosts: async () => ({ ...survey, takenAt: new Date().toISOString() }),
    }),
  }
}

/** What a person says who wants a host for themselves. */
export const holdOf = (target: LeaseRequest['targets'][number], more: Partial<LeaseRequest> = {}): LeaseRequest => ({
  id: `hold-${target}-${Math.random()}`,
  holder: {},
  requester: 'person',
  by: 'olga',
  why: 'replaces a disk',
  runbook: 'hold',
  targets: [target],
  within: [],
  risk: 'service',
  requestedAt: new Date().toISOString(),
  waitUntil: new Date(Date.now() + 20_000).toISOString(),
  expectedMs: 60_000,
  ...more,
})
