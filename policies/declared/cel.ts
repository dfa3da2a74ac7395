import { type ASTNode, Environment, type ParseError, type ParseResult } from '@marcbachmann/cel-js'
import { declaredLimits, type InputField } from '../../core/declared-runbook.ts'
import { didYouMean } from './nearest.ts'

/** What is wrong with an expression, and where in it. */
export interface Wrong {
  readonly message: string
  readonly at: number
}

const macros: ReadonlySet<string> = new Set(['map', 'filter', 'all', 'exists', 'exists_one'])
/** Loops inside loops, each over something of the loop around it. */
const mostNested = 2

/** Names that CEL itself has a meaning for. */
const builtIn: ReadonlySet<string> = new Set([
  ...(['optional', 'int', 'uint', 'double', 'bool', 'string', 'bytes', 'list', 'map', 'null_type', 'type'] as const),
])

const base = new Environment({
  // names are checked here, where the near ones are known
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits: { maxAstNodes: 200, maxDepth: 30, maxListElements: 100, maxMapEntries: 100 },
})
  .registerFunction('string.like(string): bool', isLike)
  .registerFunction('seconds(string): int', (text: string) => BigInt(secondsOf(text)))

/** An environment in which the fields of the input have their types; any type when they are not known. */
export function environmentFor(input?: Readonly<Record<string, InputField>>): Environment {
  const env = base.clone().registerVariable('now', 'int')
  if (!input) return env.registerVariable('input', 'dyn')
  const fields = Object.fromEntries(Object.entries(input).map(([name, field]) => [name, celTypeOf(field)]))
  return env.registerType('Input', { fields }).registerVariable('input', 'Input')
}

const celTypes = {
  string: 'string',
  uuid: 'string',
  integer: 'int',
  number: 'dyn',
  boolean: 'bool',
  list: 'list',
} as const
const celTypeOf = ({ type, of = 'string', required, default: preset }: InputField): string => {
  if (required === false && preset === undefined) return 'dyn'
  return type === 'list' ? `list<${celTypes[of]}>` : celTypes[type]
}

/**
 * Finds what is wrong with an expression before it is ever worked out. `names` are the values it may use.
 */
export function wrongIn(
  expression: string,
  env: Environment,
  names: ReadonlySet<string>,
  inputFields: readonly string[] = [],
): Wrong[] {
  if (expression.length > declaredLimits.expressionLength)
    return [{ message: `an expression has at most ${declaredLimits.expressionLength} characters`, at: 0 }]
  let parsed: ParseResult
  try {
    parsed = env.parse(expression)
  } catch (error) {
    return [wrongFrom(error as CelError)]
  }
  const wrong = unknownOrUnbounded(parsed.ast, names)
  const { error } = parsed.check()
  // an unknown name makes nonsense of all that follows from it
  return wrong.length > 0 || error === undefined ? wrong : [wrongFrom(error, inputFields)]
}

type CelError = Pick<ParseError, 'code' | 'summary' | 'range'>

/** What CEL says of a field that is not there has the field, but not the near ones. */
function wrongFrom({ code, summary, range }: CelError, fields: readonly string[] = []): Wrong {
  const [, field] = (code === 'no_such_key' && /^No such key: (\w+)$/.exec(summary)) || []
  const message = field === undefined ? summary : `the input has no \`${field}\`${didYouMean(field, fields)}`
  return { message, at: range?.start ?? 0 }
}

/** The names of values that an expression uses. */
export function namesIn(expression: string, env: Environment): Set<string> {
  const names = new Set<string>()
  walk(env.parse(expression).ast, [], (node, bound) => {
    if (node.op === 'id' && !bound.includes(node.args)) names.add(node.args)
  })
  return names
}

function unknownOrUnbounded(ast: ASTNode, names: ReadonlySet<string>): Wrong[] {
  const wrong: Wrong[] = []
  const say = (node: ASTNode, message: string) => wrong.push({ message, at: node.start })
  walk(ast, [], (node, bound) => {
    if (node.op === 'id' && ![...bound, ...builtIn, ...names].includes(node.args))
      say(node, `there is no \`${node.args}\` here${didYouMean(node.args, [...names, ...bound])}`)
    if (node.op === 'call' && (node.args[0] === 'timestamp' || node.args[0] === 'duration'))
      say(node, `times are seconds here: \`now\`, and seconds("2026-01-31T10:00:00Z") of a time in words`)
    if (node.op !== 'rcall') return
    const [name, receiver] = node.args
    if (name === 'matches') say(node, 'regular expressions may never end: use like("web-*"), startsWith or contains')
    if (name === 'bind') say(node, 'an expression binds no names: use `set` in a step before')
    if (!macros.has(name) || bound.length === 0) return
    if (bound.length >= mostNested) say(node, `loops lie at most ${mostNested} deep in one expression`)
    else if (rootOf(receiver) !== bound.at(-1))
      say(
        node,
        `a loop inside a loop goes over something of \`${bound.at(-1)}\`; to look up in another list, use \`in\``,
      )
  })
  return wrong
}

/** What a chain of fields and indices begins with. */
function rootOf(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args
  return node.op === '.' || node.op === '.?' || node.op === '[]' ? rootOf(node.args[0]) : undefined
}

/** Visits every node with the names that loops around it have bound, the innermost last. */
function walk(node: ASTNode, bound: readonly string[], visit: (node: ASTNode, bound: readonly string[]) => void): void {
  visit(node, bound)
  if (node.op === 'rcall') {
    const [name, receiver, args] = node.args
    if (name === 'bind') return
    walk(receiver, bound, visit)
    const [first, ...others] = args
    const loops = macros.has(name) && first?.op === 'id'
    if (first && !loops) walk(first, bound, visit)
    for (const one of others) walk(one, loops ? [...bound, first.args] : bound, visit)
    return
  }
  for (const inner of insideOf(node)) walk(inner, bound, visit)
}

function insideOf(node: ASTNode): ASTNode[] {
  const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value
  const flat = (value: unknown): ASTNode[] =>
    Array.isArray(value) ? value.flatMap(flat) : isNode(value) ? [value] : []
  return flat(node.args)
}

/**
 * Seconds since 1970 of a time as OpenStack writes it; UTC where it does not say. CEL's own times are of no use here: they
 * depend on the zone of the worker.
 */
function secondsOf(text: string): number {
  const [, time, fraction = '', zone = 'Z'] =
    /^(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})?$/.exec(text) ?? []
  const ms = time === undefined ? Number.NaN : Date.parse(`${time.replace(' ', 'T')}${fraction.slice(0, 4)}${zone}`)
  if (Number.isNaN(ms)) throw new Error(`"${text.slice(0, 40)}" is no time such as 2026-01-31T10:00:00Z`)
  return Math.floor(ms / 1000)
}

/** Whether a text fits a pattern with `*` and `?`, in time that grows with both lengths only. */
function isLike(text: string, pattern: string): boolean {
  let [at, of, star, mark] = [0, 0, -1, 0]
  while (at < text.length) {
    if (pattern[of] === '?' || (pattern[of] !== '*' && pattern[of] === text[at])) {
      at++
      of++
    } else if (pattern[of] === '*') {
      star = of++
      mark = at
    } else if (star >= 0) {
      of = star + 1
      at = ++mark
    } else return false
  }
  while (pattern[of] === '*') of++
  return of === pattern.length
}
