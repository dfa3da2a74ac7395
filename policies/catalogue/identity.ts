import { z } from 'zod'
import type { Call } from '../../core/call.ts'
import { type ActionSpec, at, define, isGone, listAt, type Seen } from './entry.ts'
import { KeystoneId } from './inputs.ts'

const apiRef = 'https://docs.openstack.org/api-ref/identity/v3/#'
const keystone = { service: 'identity', needsRole: 'admin' } as const
const Grant = z.strictObject({
  projectId: KeystoneId.describe('the project'),
  userId: KeystoneId.describe('the user'),
  roleId: KeystoneId.describe('the role, by its id'),
})
type Grant = z.infer<typeof Grant>
const Credential = z.strictObject({
  userId: KeystoneId.describe('its owner'),
  applicationCredentialId: KeystoneId.describe('the application credential'),
})

const call = (method: Call['method'], path: string, body?: Call['body']): Call => ({
  service: 'identity',
  method,
  path: `/v3/${path}`,
  ...(body && { body }),
})

const things = {
  user: {
    below: 'users',
    key: 'userId',
    note: 'Their tokens, application credentials and trusts end with it, the scheduled actions of Steward included.',
  },
  project: {
    below: 'projects',
    key: 'projectId',
    note: 'Nobody gets a token for it any more; its servers run on.',
  },
} as const

function enable(kind: keyof typeof things, enabled: boolean): ActionSpec {
  const { below, key, note } = things[kind]
  const path = (input: Record<string, string>) => `${below}/${input[key] ?? ''}`
  const isEnabled = (body: unknown) => at(body, kind, 'enabled')
  return define({
    ...keystone,
    name: `${kind}.${enabled ? 'enable' : 'disable'}`,
    title: `${enabled ? 'Enable' : 'Disable'} a ${kind}`,
    see: `${apiRef}update-${kind}`,
    input: z.strictObject({ [key]: KeystoneId.describe(`the ${kind}`) }),
    notes: enabled ? ['Trusts and tokens that ended with the disabling stay ended.'] : [note],
    calls: (input) => call('PATCH', path(input), { [kind]: { enabled } }),
    alreadyDone: { read: (input) => call('GET', path(input)), when: ({ body }) => isEnabled(body) === enabled },
    undo: (input, { before }) =>
      isEnabled(before) === !enabled ? { action: `${kind}.${enabled ? 'disable' : 'enable'}`, input } : undefined,
    targets: (input) => [`${kind}/${input[key] ?? ''}`],
  })
}

const grants = ({ projectId, userId }: Grant) => `projects/${projectId}/users/${userId}/roles`

/** True or false only of a list that was really shown. */
function isGranted({ status, body }: Seen, { roleId }: Grant): boolean | undefined {
  if (status !== 200 || !Array.isArray(at(body, 'roles'))) return undefined
  return listAt(body, 'roles').some((role) => at(role, 'id') === roleId)
}

function grant(assign: boolean): ActionSpec {
  return define({
    ...keystone,
    name: assign ? 'role.assign' : 'role.unassign',
    title: assign ? 'Give a user a role in a project' : 'Take a role in a project from a user',
    see: `${apiRef}${assign ? 'assign-role-to-user-on-project' : 'unassign-role-from-user-on-project'}`,
    input: Grant,
    notes: assign
      ? ['Somebody else has these rights the moment it is done.']
      : ['Trusts that delegate the role are of no use any more, the scheduled actions of Steward included.'],
    calls: (input) => call(assign ? 'PUT' : 'DELETE', `${grants(input)}/${input.roleId}`),
    alreadyDone: {
      read: (input) => call('GET', grants(input)),
      when: (seen, input) => isGranted(seen, input) === assign,
    },
    undo: (input, { before }) =>
      isGranted({ status: 200, body: before }, input) === !assign
        ? { action: assign ? 'role.unassign' : 'role.assign', input }
        : undefined,
    targets: ({ projectId, userId }) => [`project/${projectId}`, `user/${userId}`],
  })
}

const credential = ({ userId, applicationCredentialId }: z.infer<typeof Credential>) =>
  `users/${userId}/application_credentials/${applicationCredentialId}`

/** Keystone. */
export const identity: readonly ActionSpec[] = [
  enable('user', true),
  enable('user', false),
  enable('project', true),
  enable('project', false),
  grant(true),
  grant(false),
  define({
    ...keystone,
    name: 'application-credential.delete',
    title: 'Delete an application credential',
    see: `${apiRef}delete-application-credential`,
    input: Credential,
    needsRole: 'reader',
    destructive: true,
    notDelegable: 'Keystone lets no delegated token manage application credentials',
    notes: ['For its owner, and for administrators.', 'What logs in with it stops at once.'],
    calls: (input) => call('DELETE', credential(input)),
    alreadyDone: { read: (input) => call('GET', credential(input)), when: isGone },
    targets: ({ userId, applicationCredentialId }) => [
      `user/${userId}`,
      `application-credential/${applicationCredentialId}`,
    ],
  }),
]
