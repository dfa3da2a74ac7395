/** What can be cleared away on a host. The commands are the operator's, under these names in steward.yaml. */
export interface Sweep {
  readonly command: string
  /** Where the space is missing. */
  readonly path: string
  /** Its one argument, and what it is given: gently first, and never more than the last one. */
  readonly argument: string
  readonly values: readonly string[]
}

export const sweeps = {
  journal: {
    ...{ command: 'free-journal', path: '/var/log/journal', argument: 'size' },
    values: ['2000M', '1000M', '500M', '200M'],
  },
  logs: { command: 'free-logs', path: '/var/log', argument: 'days', values: ['30', '14', '7', '3'] },
  'instance-cache': {
    ...{ command: 'free-instance-cache', path: '/var/lib/nova/instances', argument: 'days' },
    values: ['30', '14', '7'],
  },
} as const satisfies Record<string, Sweep>

/** What `df --output=pcent` says is free, in percent; undefined when it says anything else, or of more than one disk. */
export function freePercentIn(said: string): number | undefined {
  const figures = [...said.matchAll(/(?<!\S)(\d{1,3})%(?!\S)/g)].map(([, figure]) => Number(figure))
  const [used] = figures
  return figures.length === 1 && used !== undefined && used <= 100 ? 100 - used : undefined
}
