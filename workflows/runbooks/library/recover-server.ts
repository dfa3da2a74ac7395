import { z } from 'zod'
import { failure, messageOf } from '../../../core/errors.ts'
import type { Target } from '../../../core/governor.ts'
import { read, type ServerFacts } from '../../../policies/nova-facts.ts'
import { whyNotTaken } from '../../../policies/server-migration.ts'
import {
  type Diagnosis,
  diagnose,
  recoveries,
  type ServerActionFacts,
  type Sick,
} from '../../../policies/server-recovery.ts'
import type { RunContext } from '../../sdk/context.ts'
import { defineRunbook } from '../../sdk/definition.ts'
import { changed, findMigrations, findServer, lookAtHost, lookAtServer, lookCalls, reasonOf } from './looks.ts'

const Input = z.strictObject({
  serverId: z.uuid().describe('the server'),
  allow: z
    .array(z.enum(recoveries))
    .min(1)
    .default(['reset-state', 'reboot'])
    .describe('`rebuild` loses what is on the root disk, and asks a person all the same'),
  olderThanMinutes: z
    .int()
    .min(5)
    .max(10_080)
    .default(30)
    .describe('a task that is younger counts as under way, and is left alone'),
  imageId: z.uuid().optional().describe('for a rebuild; that of the server when left out'),
})
type Recover = z.output<typeof Input>

interface Examined {
  readonly server: ServerFacts
  readonly diagnosis: Diagnosis
}

/** Brings back a server in ERROR, or stuck in a task. */
export const recoverServer = defineRunbook({
  name: 'recover-server',
  title: 'Bring back a server that is in error or stuck',
  description:
    'Finds out from what Nova remembers of a server why it is in ERROR or stuck in a task, and brings it back: the state is reset when nothing is under way any more, then the server is started anew by cutting its power, and, only where allowed and a person says yes, rebuilt. Refuses servers that are busy, locked, on their way to another host, or on a host that is down.',
  input: Input,
  risk: 'destructive',
  needs: {
    roles: ['admin'],
    calls: [...lookCalls.server, ...lookCalls.migrations, ...lookCalls.services, ...lookCalls.reason],
    actions: ['server.reset-state', 'server.reset', 'server.rebuild'],
  },
  prepare: (run, input) => examine(run, input),
  targets: ({ serverId }) => [`server/${serverId}`],
  within: (_input, { server }) => (server.host === '' ? [] : [`host/${server.host}` as Target]),
  expectedMinutes: () => 60,
  async run(run, input, { server: before }) {
    const { server, diagnosis } = await examine(run, input)
    if (server.host !== before.host) throw changed(server, `was moved from ${before.host} to ${server.host}`)
    if (diagnosis.verdict !== 'sick') return { summary: `${server.name}: ${diagnosis.reason}`, did: [] }
    run.note(`${server.name}: ${diagnosis.reason}`)
    const steps = diagnosis.steps.filter((step) => input.allow.includes(step))
    if (diagnosis.steps[0] !== undefined && steps[0] !== diagnosis.steps[0] && steps[0] !== 'rebuild')
      throw unfit(server, `it takes ${diagnosis.steps[0]} first, which is not allowed`)
    if (diagnosis.doubt)
      await run.ask(
        `${diagnosis.doubt}. Is it certain that it runs nowhere else, and may be started on ${server.host}?`,
      )
    const did: string[] = []
    for (const step of steps) {
      run.safePoint()
      did.push(step)
      try {
        await does[step](run, input, server)
      } catch (error) {
        // the next one is stronger, and made for servers that this one does not help
        if (step === steps.at(-1)) throw error
        run.note(`${step} did not help: ${messageOf(error)}`)
        continue
      }
      if (run.dryRun) continue
      const now = await findServer(run, server.id)
      if (!now) throw changed(server, 'was deleted')
      if (now.status === 'ACTIVE' && now.taskState === null && now.isPowered)
        return {
          summary: `${server.name} is ACTIVE on ${now.host} again, by ${did.join(', ')}`,
          did,
          was: diagnosis.reason,
        }
    }
    if (run.dryRun)
      return {
        summary: `${server.name} would be brought back by ${did.join(', then if need be ')}`,
        did,
        was: diagnosis.reason,
      }
    throw failure(
      'RESULT_UNVERIFIED',
      `${server.name} is not ACTIVE after ${did.join(', ') || 'nothing that was allowed'}`,
      {
        serverId: server.id,
      },
    )
  },
})

const does = {
  'reset-state': (run: RunContext, { serverId }: Recover) =>
    run.action('server.reset-state', { serverId, state: 'active' }),
  reboot: (run: RunContext, { serverId }: Recover) => run.action('server.reset', { serverId }),
  async rebuild(run: RunContext, { serverId, imageId }: Recover, server: ServerFacts) {
    const image = imageId ?? server.imageId
    if (image === undefined) throw unfit(server, 'it started from a volume: name the image to rebuild it from')
    await run.ask(`Rebuild ${server.name} from image ${image}? Everything on its root disk is lost.`)
    await run.action('server.rebuild', { serverId, imageId: image })
  },
} as const

/** @throws TARGET_MISSING, HOST_UNFIT, SERVER_UNFIT when nothing can be done */
async function examine(run: RunContext, { serverId, olderThanMinutes }: Recover): Promise<Examined> {
  const server = await lookAtServer(run, serverId)
  const [actions, migrations] = [await actionsOf(run, serverId), await findMigrations(run, { instance_uuid: serverId })]
  const sick: Sick = { server, actions, migrations }
  const diagnosis = diagnose(sick, { nowMs: Date.now(), olderThanMs: olderThanMinutes * 60_000 })
  run.evidence('before', {
    status: server.status,
    task: server.taskState,
    host: server.host,
    actions: actions.slice(0, 10),
    diagnosis,
  })
  if (diagnosis.verdict === 'refused') throw unfit(server, diagnosis.reason)
  if (diagnosis.verdict === 'sick') {
    const { isEnabled: _, ...service } = await lookAtHost(run, server.host)
    const down = whyNotTaken({ ...service, isEnabled: true })
    if (down)
      throw failure('HOST_UNFIT', `${server.name} cannot be brought back on ${server.host}: ${down}`, {
        host: server.host,
      })
  }
  return { server, diagnosis }
}

const Actions = z.object({
  instanceActions: z.array(z.object({ action: z.string(), start_time: z.string(), message: z.string().nullish() })),
})

/** The actions on a server, newest first; of the last one, why it failed. */
async function actionsOf(run: RunContext, serverId: string): Promise<ServerActionFacts[]> {
  const { body } = await run.read({ service: 'compute', path: `/servers/${serverId}/os-instance-actions` })
  const { instanceActions } = read(Actions, body, 'a list of actions')
  const [last] = instanceActions
  const reason = last?.message ? (await reasonOf(run, serverId, last.action)).replace(/^: /, '') : ''
  return instanceActions.map((one, at) => ({
    action: one.action,
    startedAt: one.start_time,
    reason: at === 0 ? reason || (one.message ?? '') : (one.message ?? ''),
  }))
}

const unfit = ({ id, name }: ServerFacts, why: string) => failure('SERVER_UNFIT', `${name}: ${why}`, { serverId: id })
