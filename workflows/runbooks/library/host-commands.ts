import { CancellationScope } from '@temporalio/workflow'
import { z } from 'zod'
import type { CommandCall, CommandOutcome } from '../../../core/activities.ts'
import { failure } from '../../../core/errors.ts'
import { HostName } from '../../../policies/catalogue/inputs.ts'
import type { RunContext } from '../../sdk/context.ts'
import { defineRunbook } from '../../sdk/definition.ts'

const Input = z.strictObject({
  host: HostName.describe('as steward.yaml names it'),
  command: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .describe('name of a command under `ssh.commands` of steward.yaml'),
  args: z.record(z.string().max(32), z.string().max(128)).default({}).describe('its arguments; never a secret'),
})

/** A command has ten minutes at most by steward.yaml. */
const mostCommandMs = 660_000

type Call = { readonly host: string } & CommandCall

/** Looks on a host, by a command that changes nothing. In a dry run, too. @throws SSH_COMMAND_FAILED another exit code than 0 */
export async function lookOnHost(run: RunContext, call: Call): Promise<CommandOutcome> {
  return succeeded(call, await run.patient(`Look: ${titleOf(call)}`, mostCommandMs).lookOnHost(call))
}

/**
 * Runs a command that changes something, and sees it through: one that is cut off would leave nobody knows what.
 * Nothing in a dry run.
 *
 * @throws SSH_COMMAND_FAILED, SSH_OUTCOME_UNKNOWN
 */
export async function changeOnHost(run: RunContext, call: Call): Promise<CommandOutcome | undefined> {
  const outcome = await send(run, call)
  if (outcome === undefined) return undefined
  if (outcome.undo) {
    const back = { host: call.host, ...outcome.undo }
    // what takes it back may have something that takes it back, too: that is not wanted here
    run.undo(titleOf(back), async () => succeeded(back, (await send(run, back)) as CommandOutcome))
  }
  return succeeded(call, outcome)
}

/** Nothing comes back in a dry run. */
const send = (run: RunContext, call: Call): Promise<CommandOutcome | undefined> =>
  CancellationScope.nonCancellable(() => run.patient(titleOf(call), mostCommandMs).runCommand(call))

export const titleOf = ({ host, command, args }: Call): string =>
  [command, ...Object.values(args), 'on', host].join(' ')

function succeeded(call: Call, outcome: CommandOutcome): CommandOutcome {
  const { exitCode, stdout, stderr } = outcome
  if (outcome.outcome === 'was done' || exitCode === 0) return outcome
  const said = (stderr || stdout).trim().split('\n').slice(-3).join(' ').slice(0, 300)
  const how = exitCode === null ? 'was ended by a signal' : `ended with exit code ${exitCode}`
  throw failure('SSH_COMMAND_FAILED', `${titleOf(call)} ${how}: ${said}`, { host: call.host, exitCode })
}

/** Half of what evidence may hold: each character can become two. */
const mostSaid = 24 << 10

/** What it said, as people read it. */
function keep(run: RunContext, { stdout, stderr, cutBytes }: CommandOutcome): void {
  const cut = (text: string) => (text.length <= mostSaid / 2 ? text : `${text.slice(0, mostSaid / 2)}…`)
  run.evidence('output', { stdout: cut(stdout), stderr: cut(stderr), ...(cutBytes > 0 && { cutBytes }) })
}

/** Runs a command that changes something. */
export const sshCommand = defineRunbook({
  name: 'ssh-command',
  title: 'Run one command of the allow-list on a host',
  description:
    'Runs one command that steward.yaml lists for the host, with arguments that it allows, once. Refuses everything else. Another exit code than 0 is a failure; what takes the command back, where steward.yaml names it, is run when the run fails or is cancelled.',
  input: Input,
  risk: 'service',
  needs: { steps: ['runCommand'] },
  targets: ({ host }) => [`host/${host}`],
  async run(run, call) {
    const outcome = await changeOnHost(run, call)
    if (outcome === undefined) return { summary: `would be run: ${titleOf(call)}` }
    keep(run, outcome)
    const how = outcome.outcome === 'was done' ? 'was done; its answer was lost' : 'ended well'
    return { summary: `${titleOf(call)} ${how}` }
  },
})

/** Runs a command that changes nothing. */
export const sshLook = defineRunbook({
  name: 'ssh-look',
  title: 'Look at a host with one command of the allow-list',
  description:
    'Runs one command that steward.yaml lists for the host as one that changes nothing, and keeps what it says. Refuses every other command. Needs no lease.',
  input: Input,
  risk: 'read',
  needs: { steps: ['lookOnHost'] },
  targets: () => [],
  async run(run, call) {
    const outcome = await lookOnHost(run, call)
    keep(run, outcome)
    return { summary: `${titleOf(call)} ended well` }
  },
})
