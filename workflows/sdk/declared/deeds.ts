import type { Call } from '../../../core/call.ts'
import type { Deed } from '../../../core/chain.ts'
import { declaredLimits, type Step } from '../../../core/declared-runbook.ts'
import { failure } from '../../../core/errors.ts'
import type { Target } from '../../../core/governor.ts'
import { type Evaluator, unknown } from '../../../policies/declared/evaluate.ts'
import { refuseInternalHints } from '../../../policies/least-role.ts'
import { leasedTargets } from '../../../policies/work.ts'
import type { CloudAnswer, RunContext } from '../context.ts'
import type { Scope } from './scope.ts'

interface DeedParts {
  readonly run: RunContext
  readonly evaluator: Evaluator
  readonly targets: readonly Target[]
  /** Counts one more look. @throws RUNBOOK_LIMIT */
  count(): void
}

type Leaf = Exclude<Step, Step<'run' | 'parallel' | 'forEach'>>
type Read = Step<'read'>['read']

/** What one step without steps in it does, and what it gives to later ones. */
export function createDeeds({ run, evaluator, targets, count }: DeedParts) {
  const known = (value: unknown) => {
    const inWords = '(known when it runs)'
    return value === unknown ? inWords : value
  }
  const said = (template: string, scope: Scope) => known(evaluator.text(template, scope)) as string
  /** What is put into a path stays inside its segment. */
  const pathOf = (template: string, scope: Scope) => evaluator.text(template, scope, encodeURIComponent)

  function wholeNumber(number: number | string, scope: Scope): number {
    const value = typeof number === 'number' ? number : evaluator.filled(number, scope)
    // only a dry run does not know it
    if (value === unknown) return 1
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
    throw failure('EXPRESSION_FAILED', `${number}: this must be a whole number, not ${JSON.stringify(value)}`)
  }

  function seconds(number: number | string, scope: Scope): number {
    const value = wholeNumber(number, scope)
    if (value <= declaredLimits.waitSeconds) return value
    throw failure('RUNBOOK_LIMIT', `a wait of ${value} s; the longest is ${declaredLimits.waitSeconds} s`)
  }

  /** A run on servers holds a lease on each; nothing is done to any other. @throws CALL_NOT_DECLARED */
  function assertLeased(deed: Deed): void {
    if (targets.some((target) => !target.startsWith('server/'))) return
    const beyond = leasedTargets(deed).find((target) => !targets.includes(target))
    if (beyond === undefined) return
    throw failure('CALL_NOT_DECLARED', `${beyond} is not among the targets that this run has a lease on`, {
      kind: 'targets',
      what: beyond,
    })
  }

  async function action({ action, with: template }: Step<'action'>, scope: Scope): Promise<unknown> {
    const input = evaluator.filled(template, scope)
    if (input === unknown) {
      run.note(`would do ${action}; with what is known when it runs`)
      return unknown
    }
    assertLeased({ action, input: input as Record<string, unknown> })
    const { status, body, note } = await run.action(action, input as Record<string, unknown>)
    return run.dryRun ? unknown : { status, body: body ?? null, note: note ?? null }
  }

  async function call({ call: { path: template, body, ...rest } }: Step<'call'>, scope: Scope): Promise<unknown> {
    const path = pathOf(template, scope)
    const filled = evaluator.filled(body ?? null, scope)
    if (path === unknown || filled === unknown) {
      run.note(`would do ${rest.method} ${template}; with what is known when it runs`)
      return unknown
    }
    const made = { ...rest, path, ...(filled !== null && { body: filled }) } as Call
    refuseInternalHints(made)
    assertLeased({ call: made })
    const { status, body: answer, note } = await run.call(made)
    return run.dryRun ? unknown : { status, body: answer ?? null, note: note ?? null }
  }

  async function read({ path: template, service, list, microversion }: Read, scope: Scope): Promise<unknown> {
    const path = pathOf(template, scope)
    if (path === unknown) {
      run.note(`would read ${template}, which is known when it runs`)
      return unknown
    }
    const { status, body }: CloudAnswer = await run.read({ service, path: path as string, list, microversion })
    return { status, body: body ?? null }
  }

  async function wait({ wait: order, title }: Step<'wait'>, scope: Scope): Promise<unknown> {
    if ('seconds' in order) return run.sleep(seconds(order.seconds, scope), order.why ?? title ?? 'as its runbook says')
    const { until, withinSeconds, everySeconds } = order
    const look = async () => {
      count()
      const answer = await read(order.read, scope)
      if (answer === unknown) return { answer }
      const verdict = evaluator.value(until, scope.knowing({ answer }))
      return verdict === true && { answer }
    }
    const within = seconds(withinSeconds, scope)
    const found = await run.waitFor(title ?? until, look, {
      withinSeconds: within,
      ...(everySeconds !== undefined && { everySeconds }),
    })
    return found?.answer ?? unknown
  }

  async function act(step: Leaf, scope: Scope): Promise<unknown> {
    if ('action' in step) return action(step, scope)
    if ('call' in step) return call(step, scope)
    if ('read' in step) return read(step.read, scope)
    if ('wait' in step) return wait(step, scope)
    if ('ask' in step) {
      const { question, withinSeconds } = step.ask
      return run.ask(said(question, scope), { withinSeconds })
    }
    if ('set' in step) {
      for (const [name, value] of Object.entries(step.set)) scope.save(name, evaluator.filled(value, scope))
      return undefined
    }
    if ('evidence' in step) return run.evidence(step.evidence.name, known(evaluator.filled(step.evidence.value, scope)))
    if ('note' in step) return run.note(said(step.note, scope))
    throw failure('RUN_FAILED', said(step.fail, scope))
  }

  return { act, wholeNumber }
}
