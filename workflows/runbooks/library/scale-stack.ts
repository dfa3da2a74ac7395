import { z } from 'zod'
import { codeOf, failure } from '../../../core/errors.ts'
import { at } from '../../../policies/catalogue/entry.ts'
import { StackName } from '../../../policies/catalogue/inputs.ts'
import type { RunContext } from '../../sdk/context.ts'
import { defineRunbook } from '../../sdk/definition.ts'

const Figure = z.int().min(0).max(10_000)
const Input = z
  .strictObject({
    stackName: StackName,
    stackId: z.uuid(),
    parameter: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,255}$/)
      .describe('of the stack; it holds a whole number'),
    to: Figure.optional().describe('the new value'),
    by: z.int().min(-1000).max(1000).optional().describe('or: how much more, or less'),
    min: Figure,
    max: Figure,
  })
  .refine(({ to, by }) => (to === undefined) !== (by === undefined), 'give to or by')
  .refine(({ min, max }) => min <= max, 'min is above max')
type Input = z.output<typeof Input>

interface Scale {
  readonly from: number
  readonly to: number
}

interface Stack {
  readonly status: string
  /** Of the parameter, if that holds a whole number. */
  readonly value: number | undefined
}

const mostAttempts = 3
/** As long as the catalogue waits for an update. */
const restsWithinSeconds = 14_400
const rests = /^(CREATE|UPDATE|ROLLBACK|CHECK|RESUME|SNAPSHOT|RESTORE|ADOPT)_COMPLETE$/

/** Changes one number of a stack, such as how many servers it has. */
export const scaleStack = defineRunbook<typeof Input, Scale>({
  name: 'scale-stack',
  title: 'Scale a Heat stack',
  description:
    'Sets one whole number among the parameters of a stack and waits until Heat has updated it; template and other parameters stay. Refuses stacks that are busy, failed or suspended, parameters that hold no number, and values outside of min and max. When the run fails or is cancelled afterwards, the former value is set again.',
  input: Input,
  risk: 'destructive',
  needs: {
    roles: ['member'],
    actions: ['stack.update'],
    calls: ['orchestration GET /stacks/{name}/{stack}'],
  },
  async prepare(run, input) {
    const { status, value } = await look(run, input)
    const { stackName, parameter, min, max } = input
    if (!rests.test(status)) throw unfit(input, `stack ${stackName} is ${status}`)
    if (value === undefined) throw unfit(input, `stack ${stackName} has no whole number as its ${parameter}`)
    const to = input.to ?? value + (input.by ?? 0)
    if (to < min || to > max)
      throw unfit(input, `${parameter} of stack ${stackName} would be ${to}, which is not within ${min} and ${max}`)
    return { from: value, to }
  },
  targets: ({ stackId }) => [`stack/${stackId}`],
  expectedMinutes: () => 60,
  async run(run, input, { from, to }) {
    const what = `${input.parameter} of stack ${input.stackName}`
    if (from === to) return { summary: `${what} is ${to} already`, from, to }
    // before the call: one whose outcome nobody knows may have to be taken back, too
    run.undo(`${what} is ${from} again`, async () => {
      const { value } = await rested(run, input)
      if (value !== from) await set(run, input, from)
    })
    await set(run, input, to)
    if (run.dryRun) return { summary: `${what} would be ${to}, it is ${from}`, from, to }
    const { value } = await look(run, input)
    if (value !== to) throw failure('EFFECT_FAILED', `${what} is ${value} after the update, not ${to}`)
    return { summary: `${what} is ${to}, it was ${from}`, from, to }
  },
})

/**
 * Where nobody knows what became of the call, the stack itself says so once it rests. The number is absolute, so that
 * setting it again does no harm.
 */
async function set(run: RunContext, input: Input, value: number): Promise<void> {
  const { stackName, stackId, parameter } = input
  for (let attempt = 1; ; attempt++) {
    try {
      await run.action('stack.update', { stackName, stackId, parameters: { [parameter]: value } })
      return
    } catch (error) {
      if (codeOf(error) !== 'OUTCOME_UNKNOWN') throw error
      const { status, value: now } = await rested(run, input)
      if (now === value && rests.test(status)) return
      if (attempt === mostAttempts || !rests.test(status)) throw error
    }
  }
}

async function rested(run: RunContext, input: Input): Promise<Stack> {
  const isAtRest = async () => {
    const stack = await look(run, input)
    return !stack.status.endsWith('_IN_PROGRESS') && stack
  }
  const found = await run.waitFor(`stack ${input.stackName} rests`, isAtRest, { withinSeconds: restsWithinSeconds })
  return found ?? look(run, input)
}

async function look(run: RunContext, input: Input): Promise<Stack> {
  const { stackName, stackId, parameter } = input
  const path = `/stacks/${stackName}/${stackId}`
  const { status, body } = await run.read({ service: 'orchestration', path })
  if (status === 404) throw unfit(input, `there is no stack ${stackName} with this id`)
  const value = at(body, 'stack', 'parameters', parameter)
  const isWhole = /^\d{1,9}$/.test(String(value))
  return { status: String(at(body, 'stack', 'stack_status')), value: isWhole ? Number(value) : undefined }
}

const unfit = ({ stackId }: Input, why: string) => failure('TARGET_UNFIT', why, { stackId })
