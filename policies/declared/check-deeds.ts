import type { Call } from '../../core/call.ts'
import type { Step } from '../../core/declared-runbook.ts'
import type { Risk } from '../../core/governor.ts'
import type { Needs } from '../../core/runbook.ts'
import { actionCatalogue } from '../catalogue/index.ts'
import { highest, neededRole, type Role } from '../least-role.ts'
import { didYouMean } from './nearest.ts'
import type { Path, Source } from './source.ts'
import { hasExpression, piecesOf } from './template.ts'

/** Checks what reaches the cloud, and gathers what the runbook needs for it. */
export interface DeedCheck {
  action(step: Pick<Step<'action'>, 'action' | 'with'>, path: Path): void
  call(call: Step<'call'>['call'], path: Path): void
  read(read: Step<'read'>['read'], path: Path): void
  /** All that was found to be needed. */
  needs(): Needs
}

export function createDeedCheck(source: Source, risk: Risk): DeedCheck {
  const actions = new Set<string>()
  const calls = new Set<string>()
  const roles = new Set<Role>()

  function allowedByRisk(path: Path, isDestructive: boolean, what: string): void {
    if (risk === 'read') source.say(path, `${what} changes something; the risk of this runbook is \`read\``)
    else if (isDestructive && risk !== 'destructive')
      source.say(path, `${what} may destroy data; the risk of this runbook must be \`destructive\``)
  }

  function declareCall({ path: template, ...call }: Call, path: Path) {
    const pattern = patternOf(template)
    if (pattern === undefined) return source.say(path, 'a path begins with / and has letters, digits and ._:- in it')
    calls.add(`${call.service} ${call.method} ${pattern}`)
    roles.add(neededRole({ ...call, path: pattern.replaceAll(/[{}]/g, '') }))
  }

  return {
    action({ action, with: input }, path) {
      const spec = actionCatalogue.get(action)
      if (!spec)
        return source.say(
          [...path, 'action'],
          `there is no action ${action}${didYouMean(action, actionCatalogue.keys())}; docs/actions.md has all of them`,
        )
      actions.add(action)
      roles.add(spec.needsRole)
      allowedByRisk([...path, 'action'], spec.destructive, action)
      if (spec.notDelegable !== undefined) source.say([...path, 'action'], `${action}: ${spec.notDelegable}`)
      const { shape } = spec.input
      for (const [key, value] of Object.entries(input)) {
        const schema = shape[key]
        if (!schema)
          source.sayOfKey([...path, 'with', key], `${action} takes no \`${key}\`${didYouMean(key, Object.keys(shape))}`)
        else if (!holdsExpression(value)) {
          const { error } = (schema as typeof spec.input).safeParse(value)
          if (error) source.say([...path, 'with', key], error.issues[0]?.message ?? 'this does not fit')
        }
      }
      for (const [key, schema] of Object.entries(shape))
        if (!Object.hasOwn(input, key) && !(schema as typeof spec.input).safeParse(undefined).success)
          source.say([...path, 'action'], `${action} needs \`${key}\` in \`with\``)
    },

    call(call, path) {
      allowedByRisk([...path, 'method'], call.method === 'DELETE', `${call.method} ${call.path}`)
      declareCall(call, [...path, 'path'])
    },

    read: ({ service, path: template }, path) =>
      declareCall({ service, method: 'GET', path: template }, [...path, 'path']),

    needs: () => ({
      roles: roles.size === 0 ? [] : [highest([...roles])],
      calls: inOrder(calls),
      actions: inOrder(actions),
      steps: [],
    }),
  }
}

/** The path as `needs` has it: a segment with an expression in it stands for any. Undefined when it is no path. */
function patternOf(template: string): string | undefined {
  const pieces = piecesOf(template)
  if ('unclosedAt' in pieces) return undefined
  const path = pieces.map((piece) => ('text' in piece ? piece.text : '\0')).join('')
  const segments = (path.split('?', 1)[0] ?? '').split('/')
  const pattern = segments.map((segment) => (segment.includes('\0') ? '{value}' : segment)).join('/')
  return /^\/[A-Za-z0-9{}_./:-]*$/.test(pattern) ? pattern : undefined
}

const holdsExpression = (value: unknown): boolean => hasExpression(JSON.stringify(value))

const inOrder = (words: ReadonlySet<string>) => [...words].sort((a, b) => (a < b ? -1 : 1))
