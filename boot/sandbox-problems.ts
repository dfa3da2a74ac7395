import { parse } from '@swc/core'
import type { OwnModule } from '../temporal/bundle.ts'

/** What the sandbox of workflows does not have, and what to use instead. */
const absent: Readonly<Record<string, string>> = {
  fetch: 'use `run.read`, `run.call` or the runbook http-call',
  XMLHttpRequest: 'use `run.read`, `run.call` or the runbook http-call',
  WebSocket: 'a run cannot keep a connection',
  process: 'take what it needs as input',
  require: 'import from steward/runbook',
  Buffer: 'use text, or Uint8Array',
  setInterval: 'use `run.waitFor`',
  setImmediate: 'use `run.sleep`',
  performance: 'use `Date`, which is the time of the run',
  crypto: 'use `run.id`, or take it as input',
}
const allowedImports = /^(steward\/runbook|zod|\.{1,2}\/)/

interface Node {
  readonly type?: string
  readonly value?: unknown
  readonly span?: { readonly start: number }
  readonly source?: { readonly value: string }
  readonly [key: string]: unknown
}

/** What a module uses that a run cannot have, with line and column: found before a run fails on it. */
export async function sandboxProblems({ from, file, text }: OwnModule): Promise<string[]> {
  let root: Node
  try {
    const isTypeScript = /\.m?ts$/.test(file)
    root = (await parse(text, {
      syntax: isTypeScript ? 'typescript' : 'ecmascript',
      target: 'es2022',
    })) as unknown as Node
  } catch (error) {
    return [`${from}: it is no module: ${(error as Error).message.split('\n').find((line) => line.trim()) ?? ''}`]
  }
  const problems: string[] = []
  const declared = declaredActions(root)
  const bytes = Buffer.from(text)
  const placeOf = (node: Node) => {
    // the parser counts bytes, from one
    const before = bytes.subarray(0, Math.max(0, (node.span?.start ?? 1) - 1)).toString('utf8')
    const lines = before.split('\n')
    return `${from}:${lines.length}:${(lines.at(-1) ?? '').length + 1}`
  }
  walk(root, (node, key) => {
    if (
      node.type === 'ImportDeclaration' &&
      node.source &&
      !allowedImports.test(node.source.value) &&
      node.typeOnly !== true
    )
      problems.push(
        `${placeOf(node)}: it imports ${node.source.value}: a run has steward/runbook and zod, nothing of Node`,
      )
    const action = actionAskedFor(node)
    if (action !== undefined && declared && !declared.has(action))
      problems.push(
        `${placeOf(node)}: ${action} is not in \`needs.actions\`: it would be refused, also when it takes something back`,
      )
    const isName = node.type === 'Identifier' && typeof node.value === 'string' && Object.hasOwn(absent, node.value)
    // a name that the module has declared itself is another thing
    const isGlobal = node.ctxt === 1 && key !== 'property' && key !== 'key'
    if (isName && isGlobal)
      problems.push(`${placeOf(node)}: there is no ${node.value} in a run: ${absent[node.value as string]}`)
  })
  return problems
}

function walk(node: Node, visit: (node: Node, key: string) => void, key = ''): void {
  visit(node, key)
  for (const [name, child] of Object.entries(node))
    for (const one of Array.isArray(child) ? child : [child])
      if (typeof one === 'object' && one !== null) walk(one as Node, visit, name)
}

const textOf = (node: unknown) =>
  (node as Node | undefined)?.type === 'StringLiteral' ? ((node as Node).value as string) : undefined

/** The action that is named where something is asked to do one: `run.action('server.stop', …)`. */
function actionAskedFor({ type, callee, arguments: given }: Node): string | undefined {
  const called = callee as Node | undefined
  if (type !== 'CallExpression' || called?.type !== 'MemberExpression') return undefined
  if ((called.property as Node | undefined)?.value !== 'action') return undefined
  const name = textOf((given as { expression?: Node }[] | undefined)?.[0]?.expression)
  return name?.includes('.') ? name : undefined
}

/** All that the runbooks of a module declare; undefined when one of their lists is not written out there. */
function declaredActions(root: Node): ReadonlySet<string> | undefined {
  const lists: (readonly (string | undefined)[] | undefined)[] = []
  walk(root, ({ type, key, value }) => {
    if (type !== 'KeyValueProperty' || (key as Node | undefined)?.value !== 'actions') return
    const { type: kind, elements } = value as unknown as Node
    lists.push(
      kind === 'ArrayExpression'
        ? (elements as { expression?: Node }[]).map((one) => textOf(one.expression))
        : undefined,
    )
  })
  const names = lists.flatMap((list) => list ?? [undefined])
  return names.includes(undefined) ? undefined : new Set(names as string[])
}
