import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { catalogue, type ErrorSpec } from '../../core/catalogue.ts'
import { errorDocs } from '../../scripts/write-error-docs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const self = fileURLToPath(import.meta.url)
const codes = Object.keys(catalogue)

/** Programs rely on these. A new code is added here; none is ever taken away or renamed. */
const promised = [
  ...['INPUT_INVALID', 'TIME_PAST', 'TOO_LATE', 'TIME_TOO_FAR', 'SERVICE_UNKNOWN', 'PATH_REFUSED', 'BODY_TOO_LARGE'],
  ...['MEDIA_TYPE_UNSUPPORTED', 'ROUTE_NOT_FOUND'],
  ...['TOKEN_MISSING', 'TOKEN_INVALID', 'SOURCE_REFUSED', 'ROLE_MISSING', 'DELEGATION_REFUSED'],
  ...['CREDENTIAL_REFUSED', 'ACCESS_RULE_MISSING'],
  ...[
    'ACTION_NOT_FOUND',
    'ACTION_CLOSED',
    'RESULT_MISSING',
    'TARGET_MISSING',
    'QUOTA_SHORT',
    'EFFECT_FAILED',
    'GROUP_INCOMPLETE',
    'IDEMPOTENCY_KEY_REUSED',
  ],
  ...['INCIDENT_NOT_FOUND', 'DELEGATION_MISSING', 'DELEGATION_NOT_FOUND', 'DELEGATION_LOST'],
  ...['KEYSTONE_UNREACHABLE', 'SERVICE_LOGIN_REFUSED', 'CLOUD_UNREACHABLE', 'CLOUD_BUSY', 'CLOUD_REFUSED'],
  ...['CLOUD_ANSWER_UNREADABLE', 'MICROVERSION_UNSUPPORTED', 'OUTCOME_UNKNOWN'],
  ...['HOST_UNKNOWN', 'SNAPSHOT_INCOMPLETE', 'PLAN_IMPOSSIBLE', 'PLAN_STALE', 'MIGRATION_FAILED', 'SERVICE_STILL_DOWN'],
  ...['PLAN_NOT_FOUND', 'PLAN_CLOSED', 'PLAN_TOO_LARGE', 'WINDOW_CLOSED'],
  ...['METRICS_UNREACHABLE', 'METRICS_REFUSED'],
  ...['SIGNAL_NOT_CLEARED', 'SIGNAL_SOURCE_SILENT', 'RUN_IN_PROGRESS', 'MASS_OUTAGE'],
  ...['STOPPED', 'OBSERVE_ONLY', 'APPROVAL_NEEDED', 'APPROVAL_STALE', 'APPROVAL_OWN', 'APPROVAL_REJECTED'],
  ...['TARGET_BUSY', 'TARGET_PROTECTED', 'TARGET_COOLING_DOWN', 'TARGETS_MISSING', 'FUSE_BLOWN', 'SURVEY_STALE'],
  ...['BUDGET_EXHAUSTED', 'GAVE_WAY', 'LEASE_NOT_FOUND', 'LEASE_OF_RUN', 'INCIDENT_CLOSED', 'FLAPPING'],
  ...['RUNBOOK_UNKNOWN', 'RUNBOOK_INVALID', 'RUNBOOKS_UNTOLD', 'CALL_NOT_DECLARED', 'ANSWER_TOO_LARGE'],
  ...['RUN_NOT_FOUND', 'RUN_ENDED', 'RUN_FAILED', 'RUN_TIMED_OUT', 'RUN_REFUSED', 'RUN_UNREPEATABLE', 'RUN_OF_ANOTHER'],
  ...['QUESTION_CLOSED', 'DELEGATION_TOO_WEAK', 'RUN_INCOMPATIBLE', 'RUN_UNVERSIONED', 'RUN_NOT_MOVED'],
  ...['PERSON_NEEDED', 'NOT_CONFIRMED'],
  ...['SERVER_UNFIT', 'SERVER_CHANGED', 'HOST_UNFIT', 'RESULT_UNVERIFIED'],
  ...['DEATH_UNPROVED', 'HOST_CAME_BACK', 'EVACUATION_FAILED'],
  ...['SSH_NOT_CONFIGURED', 'SSH_HOST_KEY_MISMATCH', 'SSH_UNREACHABLE', 'SSH_COMMAND_FAILED'],
  ...['POWER_NOT_CONFIGURED', 'POWER_UNSUPPORTED', 'POWER_UNREACHABLE', 'POWER_NOT_TRUSTED', 'POWER_REFUSED'],
  ...['POWER_WRONG_MACHINE', 'POWER_UNKNOWN', 'POWER_UNCHANGED'],
  ...['SSH_CONNECTION_LOST', 'SSH_OUTCOME_UNKNOWN', 'SSH_SUDO_REFUSED', 'HOST_DISK_READ_ONLY'],
  ...['SERVICE_NOT_FOUND', 'EVACUATION_UNFINISHED', 'SSH_ARGUMENT_REFUSED', 'CLUSTER_DEGRADED'],
  ...['RECEIVER_UNKNOWN', 'RECEIVER_REFUSED', 'RECEIVER_UNREACHABLE'],
  ...['RUNBOOK_UNKNOWN', 'RUNBOOK_INVALID', 'CALL_NOT_DECLARED', 'ANSWER_TOO_LARGE', 'RUN_NOT_FOUND', 'RUN_ENDED'],
  ...['TARGET_UNFIT', 'RUN_FAILED', 'RUN_TIMED_OUT', 'RUN_REFUSED', 'QUESTION_CLOSED'],
  ...['ADDRESS_REFUSED', 'SECRET_UNKNOWN', 'ENDPOINT_REFUSED', 'ENDPOINT_UNREACHABLE'],
  ...['EXPRESSION_FAILED', 'RUNBOOK_LIMIT', 'NOT_SIMULATED'],
  ...['ENGINE_UNREACHABLE', 'OVERLOADED', 'CONFIG_INVALID', 'INTERNAL'],
]

/** The text of every TypeScript file below these folders. */
function textOf(folders: readonly string[]): string {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => join(root, folder, name))
      .filter((file) => file.endsWith('.ts') && file !== self && statSync(file).isFile()),
  )
  return files.map((file) => readFileSync(file, 'utf8')).join('\n')
}

describe('the catalogue of errors', () => {
  it('keeps every code it has promised, and promises every code it has', () => {
    expect(new Set(codes)).toEqual(new Set(promised))
  })

  it('holds no code that nothing reports', () => {
    const source = textOf(['api', 'activities', 'boot', 'openstack', 'policies', 'rehearsal', 'temporal', 'workflows'])
    expect(codes.filter((code) => !source.includes(`'${code}'`))).toEqual([])
  })

  it('holds no code that no test has seen', () => {
    const tests = textOf(['test'])
    expect(codes.filter((code) => !new RegExp(`\\b${code}\\b`).test(tests))).toEqual([])
  })
})

describe('docs/errors.md', () => {
  const written = readFileSync(join(root, 'docs/errors.md'), 'utf8')

  it('is what `npm run docs` writes', () => {
    expect(written).toBe(errorDocs())
  })

  it('has every code of the catalogue once, with all that is known of it, and no other', () => {
    const rows = written
      .split('\n')
      .filter((line) => /^\| `[A-Z_]+` \|/.test(line))
      .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')))
    const expected = Object.entries(catalogue as Record<string, ErrorSpec>).map(
      ([code, { status, remedy, summary, next }]) => [`\`${code}\``, String(status), `\`${remedy}\``, summary, next],
    )
    expect(rows).toEqual(expected)
  })
})
