import { type HttpCall as Call, HttpCall, isRepeatableCall } from '../../../core/http-call.ts'
import { defineRunbook } from '../../sdk/definition.ts'
import { orUnknown } from '../../sdk/outcomes.ts'

/** One HTTP call to something that is not OpenStack: a ticket system, a pipeline, a load balancer of one's own. */
export const httpCall = defineRunbook<typeof HttpCall, { host: string }>({
  name: 'http-call',
  title: 'Make an HTTP call',
  description:
    'Makes one HTTPS call and expects certain statuses. Refuses addresses that are not public unless steward.yaml lists them, other ports, redirects and secrets in the input. GET, HEAD, PUT and DELETE are repeated while nobody answers; POST and PATCH are sent once, and a lost answer ends the run with OUTCOME_UNKNOWN.',
  input: HttpCall,
  risk: 'service',
  needs: { steps: ['checkHttpCall', 'callHttp'] },
  prepare: (run, call) => run.quick(`Check where ${call.url} leads`).checkHttpCall(call),
  targets: (_call, { host }) => [`endpoint/${host.replaceAll(/[^A-Za-z0-9._:-]/g, '')}`],
  expectedMinutes: () => 10,
  async run(run, call) {
    const title = titleOf(call)
    const answered = isRepeatableCall(call)
      ? await run.quick(title).callHttp(call)
      : await orUnknown(title, () => run.once(title).callHttp(call))
    if (run.dryRun) return { summary: `would be sent: ${title}` }
    if (answered.body !== undefined) run.evidence('answer', answered.body)
    return { summary: `${title} answered ${answered.status}`, ...answered }
  },
})

/** Without its query, which may hold anything. */
const titleOf = ({ method, url }: Call) => `${method} ${url.split('?', 1)[0]}`
