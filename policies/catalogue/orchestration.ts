import { z } from 'zod'
import type { Call } from '../../core/call.ts'
import { type ActionSpec, at, define, isGone, isOneOf, type Known, type Seen } from './entry.ts'
import { Name, StackName, Uuid, uuidIn } from './inputs.ts'

const apiRef = 'https://docs.openstack.org/api-ref/orchestration/v1/#'
const heat = { service: 'orchestration', needsRole: 'member' } as const
const StackInput = z.strictObject({ stackName: StackName.describe('its name'), stackId: Uuid.describe('its id') })
type StackInput = z.infer<typeof StackInput>
const SnapshotInput = StackInput.extend({ snapshotId: Uuid.describe('snapshot of the stack') })

/** Below the project: Heat's endpoint ends with it. */
const call = (method: Call['method'], { stackName, stackId }: StackInput, below = '', body?: Call['body']): Call => ({
  service: 'orchestration',
  method,
  path: `/stacks/${stackName}/${stackId}${below}`,
  ...(body && { body }),
})
const showStack = (input: StackInput) => call('GET', input)
const stackTarget = ({ stackId }: StackInput) => [`stack/${stackId}`]
const statusOf = (body: unknown) => at(body, 'stack', 'stack_status')
const endsWell = (statuses: readonly string[]) => (seen: Seen) => isOneOf(statuses, statusOf(seen.body))

/** Waits for a stack to leave its `_IN_PROGRESS`, which Heat writes before it answers. */
const stackEnds = (statuses: readonly string[], typicalSeconds: number) => ({
  read: showStack,
  done: endsWell(statuses),
  failed: (seen: Seen) => {
    const status = statusOf(seen.body)
    return isGone(seen) || (typeof status === 'string' && !status.endsWith('_IN_PROGRESS') && !endsWell(statuses)(seen))
  },
  typicalSeconds,
  limitSeconds: 14_400,
})

const act = (verb: 'suspend' | 'resume' | 'check', title: string, notes: readonly string[]) => {
  const status = `${verb.toUpperCase()}_COMPLETE`
  return define({
    ...heat,
    name: `stack.${verb}`,
    title,
    see: `${apiRef}stack-actions`,
    input: StackInput,
    notes,
    calls: (input) => call('POST', input, '/actions', { [verb]: null }),
    ...(verb !== 'check' && { alreadyDone: { read: showStack, when: endsWell([status]) } }),
    waitFor: stackEnds([status], 120),
    ...(verb !== 'check' && {
      undo: ({ stackName, stackId }: StackInput) => ({
        action: verb === 'suspend' ? 'stack.resume' : 'stack.suspend',
        input: { stackName, stackId },
      }),
    }),
    targets: stackTarget,
  })
}

/** Heat. */
export const orchestration: readonly ActionSpec[] = [
  define({
    ...heat,
    name: 'stack.update',
    title: 'Update a stack with other parameters and the template it has',
    see: `${apiRef}update-stack-patch`,
    input: StackInput.extend({
      parameters: z
        .record(z.string().regex(/^[A-Za-z0-9_.-]{1,255}$/), z.union([z.string().max(4096), z.number(), z.boolean()]))
        .refine((given) => Object.keys(given).length > 0, 'name at least one parameter')
        .describe('parameters to change; never a secret'),
      rollBack: z.boolean().default(true).describe('go back to what was when it fails'),
    }),
    repeatable: false,
    destructive: true,
    notes: [
      'Resources that cannot be changed in place are replaced, and their data is lost.',
      'A failure that was rolled back ends in ROLLBACK_COMPLETE and counts as failed here.',
      'Heat may need a delegation of its own, which Keystone does not make for a token that is delegated itself.',
    ],
    calls: (input) => call('PATCH', input, '', { parameters: input.parameters, disable_rollback: !input.rollBack }),
    waitFor: stackEnds(['UPDATE_COMPLETE'], 300),
    targets: stackTarget,
  }),
  act('suspend', 'Suspend all resources of a stack that can be', [
    'Servers are suspended; what has no suspension runs on.',
  ]),
  act('resume', 'Resume a suspended stack', []),
  act('check', 'Have Heat compare the resources of a stack with what they should be', [
    'CHECK_FAILED means that some resource is not as it should be: the check itself has worked.',
  ]),
  define({
    ...heat,
    name: 'stack.cancel-update',
    title: 'Stop an update that is under way and roll it back',
    see: `${apiRef}stack-actions`,
    input: StackInput,
    notes: ['Refused when no update is under way.'],
    calls: (input) => call('POST', input, '/actions', { cancel_update: null }),
    waitFor: stackEnds(['ROLLBACK_COMPLETE'], 300),
    targets: stackTarget,
  }),
  define({
    ...heat,
    name: 'stack.snapshot',
    title: 'Make a snapshot of a stack',
    see: `${apiRef}snapshot-a-stack`,
    input: StackInput.extend({ name: Name.describe('name of the snapshot') }),
    repeatable: false,
    notes: ['Deleted with the stack: it is no backup.'],
    calls: (input) => call('POST', input, '/snapshots', { name: input.name }),
    waitFor: {
      read: (input, { result }) => {
        const id = uuidIn(at(result, 'snapshot', 'id') ?? at(result, 'id'))
        return id === undefined ? undefined : call('GET', input, `/snapshots/${id}`)
      },
      done: ({ body }) => at(body, 'snapshot', 'status') === 'COMPLETE',
      failed: (seen) => isGone(seen) || at(seen.body, 'snapshot', 'status') === 'FAILED',
      typicalSeconds: 180,
      limitSeconds: 14_400,
    },
    undo: ({ stackName, stackId }, { result }: Known) => {
      const snapshotId = uuidIn(at(result, 'snapshot', 'id') ?? at(result, 'id'))
      return snapshotId === undefined
        ? undefined
        : { action: 'stack.delete-snapshot', input: { stackName, stackId, snapshotId } }
    },
    targets: stackTarget,
  }),
  define({
    ...heat,
    name: 'stack.restore-snapshot',
    title: 'Take a stack back to a snapshot',
    see: `${apiRef}restore-snapshot`,
    input: SnapshotInput,
    repeatable: false,
    destructive: true,
    notes: ['What was written since is lost.', 'Resources made since the snapshot are deleted.'],
    calls: (input) => call('POST', input, `/snapshots/${input.snapshotId}/restore`),
    waitFor: stackEnds(['RESTORE_COMPLETE'], 300),
    targets: stackTarget,
  }),
  define({
    ...heat,
    name: 'stack.delete-snapshot',
    title: 'Delete a snapshot of a stack',
    see: `${apiRef}delete-a-snapshot`,
    input: SnapshotInput,
    destructive: true,
    calls: (input) => call('DELETE', input, `/snapshots/${input.snapshotId}`),
    alreadyDone: { read: (input) => call('GET', input, `/snapshots/${input.snapshotId}`), when: isGone },
    targets: stackTarget,
  }),
  define({
    ...heat,
    name: 'stack.delete',
    title: 'Delete a stack with all its resources and snapshots',
    see: `${apiRef}delete-stack`,
    input: StackInput,
    destructive: true,
    notes: ['A deleted stack can still be read by its id for a while, as DELETE_COMPLETE.'],
    calls: (input) => call('DELETE', input),
    alreadyDone: { read: showStack, when: (seen) => isGone(seen) || endsWell(['DELETE_COMPLETE'])(seen) },
    waitFor: {
      read: showStack,
      done: (seen) => isGone(seen) || endsWell(['DELETE_COMPLETE'])(seen),
      failed: endsWell(['DELETE_FAILED']),
      typicalSeconds: 120,
      limitSeconds: 14_400,
    },
    targets: stackTarget,
  }),
]
