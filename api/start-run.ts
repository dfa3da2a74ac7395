import { createHash, randomUUID } from 'node:crypto'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { RunbookDocument } from '../core/declared-runbook.ts'
import { failure } from '../core/errors.ts'
import type { LeaseGrounds } from '../core/governor.ts'
import type { Run, RunbookCard, StartRun } from '../core/runbook.ts'
import type { Delegations } from '../temporal/delegations.ts'
import type { RunbookList } from '../temporal/runbook-list.ts'
import type { Runs } from '../temporal/runs.ts'
import type { Caller } from './callers.ts'
import { idOfKey } from './idempotency.ts'

export interface StartRunOptions {
  readonly runs: Runs
  readonly runbooks: Pick<RunbookList, 'show'>
  readonly delegations: Pick<Delegations, 'active'>
  /** How long a run of a person waits for its lease. */
  readonly waitSeconds: number
}

/**
 * Starts a run of a runbook by hand. Not repeatable, unless it comes with a key: then the same request again gives the
 * same run.
 *
 * @throws RUNBOOK_UNKNOWN, INPUT_INVALID, DELEGATION_MISSING, DELEGATION_TOO_WEAK, IDEMPOTENCY_KEY_REUSED, ENGINE_UNREACHABLE
 */
export async function startRun(
  name: string,
  asked: StartRun,
  caller: Caller,
  { runs, runbooks, delegations, waitSeconds }: StartRunOptions,
  key?: string,
): Promise<Run> {
  const card = await runbooks.show(name)
  checkInput(card, asked.input)
  const id = key === undefined ? randomUUID() : idOfKey(caller, key)
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([name, asked]))
    .digest('base64url')
  const known = key === undefined ? undefined : await runs.taken(id)
  if (known) return sameAgain(known, fingerprint)
  await checkRoles(card, delegations)
  const { input, dryRun = card.dryRunByDefault, why } = asked
  const document = card.document === undefined ? {} : { document: card.document as RunbookDocument }
  const grounds: LeaseGrounds = { requester: 'person', by: caller.userName, why, waitSeconds }
  const isNew = await runs.start(
    id,
    { runbook: name, ...document, input, dryRun, by: caller.userName, why },
    grounds,
    fingerprint,
  )
  if (!isNew) throw failure('IDEMPOTENCY_KEY_REUSED', 'the same request is being taken in at this moment')
  return runs.show(id)
}

function sameAgain({ run, fingerprint: first }: { run: Run; fingerprint?: string }, fingerprint: string): Run {
  if (first === fingerprint) return run
  throw failure('IDEMPOTENCY_KEY_REUSED', `this key made the run ${run.id}, of another request`)
}

/** The worker checks it again, by more than a JSON Schema can say. @throws INPUT_INVALID */
function checkInput({ name, input: schema }: RunbookCard, input: unknown): void {
  const check = new Ajv2020({ strict: false, allErrors: true, validateFormats: false }).compile(schema)
  if (check(input)) return
  const said = (check.errors ?? []).map(
    ({ instancePath, message, params }) =>
      `input${instancePath.replaceAll('/', '.')} ${message}${'additionalProperty' in params ? `: ${params.additionalProperty}` : ''}`,
  )
  throw failure('INPUT_INVALID', `${name}: ${said.join('; ')}`.slice(0, 1000), { runbook: name })
}

/** Keystone would say it too, but in the middle of the run. */
async function checkRoles({ name, needs }: RunbookCard, delegations: StartRunOptions['delegations']): Promise<void> {
  const { roles } = await delegations.active()
  const missing = needs.roles.filter((role) => !roles.includes(role) && !roles.includes('admin'))
  if (missing.length === 0) return
  throw failure('DELEGATION_TOO_WEAK', `${name} needs the role ${missing.join(', ')}, which was not delegated`, {
    missing,
  })
}
