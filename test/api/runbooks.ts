import { failure } from '../../core/errors.ts'
import type { Run, RunbookCard, RunOrder } from '../../core/runbook.ts'
import type { Runs } from '../../temporal/runs.ts'
import { allCards } from '../../workflows/sdk/registry.ts'
import { pageIn } from './page.ts'

export interface RunbookChanges {
  /** What the workers have. @default the built-in ones */
  cards?: readonly RunbookCard[]
  runs?: Partial<Runs>
}

/** Runs that begin and then stay as they are. */
export function fakeRunbooks({ cards = allCards(), runs }: RunbookChanges) {
  const started = new Map<string, { run: Run; fingerprint?: string }>()
  const show = async (id: string): Promise<Run> => {
    const found = started.get(id)
    if (found) return found.run
    throw failure('RUN_NOT_FOUND', `there is no run ${id}`)
  }
  const fake: Runs = {
    async start(id, order, _grounds, fingerprint) {
      started.set(id, { run: runOf(id, order), ...(fingerprint !== undefined && { fingerprint }) })
      return true
    },
    taken: async (id) => started.get(id),
    show,
    history: async (id, wish) => {
      await show(id)
      return pageIn([{ eventId: '1' }, { eventId: '2' }, { eventId: '3' }], wish)
    },
    list: async () => ({ items: [...started.values()].map(({ run }) => run) }),
    cancel: show,
    move: show,
    answer: show,
    ...runs,
  }
  return {
    runs: fake,
    runbooks: {
      list: async () => [...cards],
      renew: async () => undefined,
      async show(name: string) {
        const card = cards.find((one) => one.name === name)
        if (card) return card
        throw failure('RUNBOOK_UNKNOWN', `there is no runbook ${name}`)
      },
    },
  }
}

export const runOf = (id: string, { runbook, input, dryRun, by, why }: RunOrder): Run => ({
  ...{ id, workflowId: `run/by-hand/${id}`, runbook, state: 'waiting', dryRun, by, why, input },
  ...{ targets: [], startedAt: '2026-11-21T01:00:00.000Z', steps: [], notes: [] },
})
