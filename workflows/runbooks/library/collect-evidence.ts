import { z } from 'zod'
import { HostName } from '../../../policies/catalogue/inputs.ts'
import { defineRunbook } from '../../sdk/definition.ts'
import { keepEvidence } from '../collect-evidence.ts'

/** Most services kept, whose size is limited; all of them are in the history. */
const mostKept = 200

const LogLine = z.strictObject({
  at: z.string().max(40),
  level: z.string().max(20),
  component: z.string().max(100),
  text: z.string().max(1000),
  requestIds: z.array(z.string().max(100)).max(10).default([]),
})

/** What incidents keep of a burst of errors, for people to start by hand. */
export const collectEvidence = defineRunbook({
  name: 'collect-evidence',
  title: 'Keep the state of the services',
  description:
    'Keeps the state of all services of Nova, and the log lines it is given, with the run. Changes nothing and refuses nothing.',
  input: z.strictObject({
    host: HostName.describe('the host it is about'),
    lines: z.array(LogLine).max(50).default([]).describe('log lines to keep with it'),
  }),
  risk: 'read',
  needs: { roles: ['admin'], steps: ['collectEvidence'] },
  targets: () => [],
  async run(run, input) {
    const { summary, collectedAt, services, lines } = await keepEvidence(run, input)
    const unwell = services.filter(({ state, status }) => state === 'down' || status === 'disabled')
    run.evidence('services', { collectedAt, inAll: services.length, unwell: unwell.slice(0, mostKept) })
    run.evidence('lines', lines)
    return { summary }
  },
})
