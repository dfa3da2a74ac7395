import type { Runbook } from '../../../workflows/sdk/definition.ts'

/** What is done to a run, so that it comes to another end than an undisturbed one. */
export interface Variant {
  /** In words. */
  readonly how: string
  readonly dryRun?: true
  /** In the place of the scenario's. */
  readonly input?: object
  /** The governor's answer. */
  readonly governor?: 'refuses' | 'is stopped'
  /** Whatever it reads of the cloud is not there. */
  readonly findsNothing?: true
  /** At this deed, counted from 1. */
  readonly at?: { readonly deed: number; readonly comes: 'failure' | 'cancellation' | 'request to end' }
  /** What a person does who is asked. */
  readonly asked?: 'says no' | 'cancels'
  /** In a world in which it has been done already. */
  readonly again?: true
}

export const undisturbed: Variant = { how: 'undisturbed' }

/** All that is worth to be kept of a runbook whose undisturbed run does so many deeds. */
export function variantsOf({ risk }: Runbook, deeds: number, isAsking: boolean): Variant[] {
  const disturbances = Array.from({ length: deeds }, (_, i) => i + 1).flatMap((deed): Variant[] => [
    { how: `deed ${deed} fails`, at: { deed, comes: 'failure' } },
    { how: `cancelled during deed ${deed}`, at: { deed, comes: 'cancellation' } },
    ...(risk === 'read'
      ? []
      : [{ how: `asked to end during deed ${deed}`, at: { deed, comes: 'request to end' } as const }]),
  ])
  return [
    undisturbed,
    { how: 'a dry run', dryRun: true },
    { how: 'an input it does not take', input: { colour: 'red' } },
    { how: 'the cloud has none of it', findsNothing: true },
    { how: 'done already', again: true },
    ...(risk === 'read'
      ? []
      : ([
          { how: 'the governor refuses', governor: 'refuses' },
          { how: 'the stop button is pressed', governor: 'is stopped' },
        ] as const)),
    ...(isAsking
      ? ([
          { how: 'a person says no', asked: 'says no' },
          { how: 'cancelled while it asks', asked: 'cancels' },
        ] as const)
      : []),
    ...disturbances,
  ]
}
