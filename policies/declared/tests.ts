import { eventOf, type RunbookCase, RunbookTests } from '../../core/runbook-test.ts'
import { sayIssues } from './issues.ts'
import { didYouMean } from './nearest.ts'
import { type Path, readSource, type Source } from './source.ts'

export type CompiledTests = { readonly tests: RunbookTests } | { readonly problems: readonly string[] }

/** Reads the tests of a runbook, or says everything that is wrong with them: `file.test.yaml:12:9: what`. */
export function compileTests(text: string, fileName: string): CompiledTests {
  const source = readSource(text)
  const given = source.content ?? {}
  const { data, error } = RunbookTests.safeParse(given)
  if (source.problems.length === 0) {
    if (error) sayIssues(source, [], RunbookTests, given, error.issues)
    else for (const [index, one] of data.cases.entries()) checkNames(source, data, one, ['cases', index])
  }
  if (data && source.problems.length === 0) return { tests: data }
  const sorted = source.problems.sort((a, b) => a.line - b.line || a.column - b.column)
  return { problems: sorted.map(({ line, column, message }) => `${fileName}:${line}:${column}: ${message}`) }
}

const namesUsed = /\$\{([^}]*)\}/g

/** What `${…}` of a test says: whose id stands in its place; undefined when it says nothing that is known. */
function namedIn(words: string): { readonly kind: 'server' | 'project'; readonly name: string } | undefined {
  const { kind, name } = /^(?<kind>server|project)s\.(?<name>.+)\.id$/.exec(words)?.groups ?? {}
  return name === undefined ? undefined : { kind: kind as 'server' | 'project', name }
}

/** With the ids of what it names in `${…}`, which has been checked. */
export const filledWith = <T>(value: T, idOf: (kind: 'server' | 'project', name: string) => string): T =>
  JSON.parse(JSON.stringify(value), (_, one: unknown) =>
    typeof one === 'string'
      ? one.replaceAll(namesUsed, (written, words: string) => {
          const named = namedIn(words)
          return named ? idOf(named.kind, named.name) : written
        })
      : one,
  )

/** The world of a case: that of the file, but for what the case has otherwise. */
export const worldOf = ({ world }: RunbookTests, { world: own }: RunbookCase) => ({
  hosts: own?.hosts ?? world.hosts,
  servers: { ...world.servers, ...own?.servers },
  roles: own?.roles ?? world.roles,
  stubs: [...(own?.stubs ?? []), ...world.stubs],
  startsAt: own?.startsAt ?? world.startsAt,
})

/** Everything that a case names must be in its world. */
function checkNames(source: Source, tests: RunbookTests, one: RunbookCase, at: Path): void {
  const world = worldOf(tests, one)
  const servers = Object.keys(world.servers)
  const hosts = world.hosts ?? ['compute1', 'compute2', 'compute3']
  const check = (kind: string, known: readonly string[], name: string | undefined, path: Path) => {
    const why = name === undefined ? undefined : missingFrom(known, name, kind)
    if (why !== undefined) source.say([...at, ...path], why)
  }
  const duplicate = tests.cases.findIndex(({ name }) => name === one.name)
  if (tests.cases[duplicate] !== one) source.say([...at, 'name'], `there is a case of this name already`)
  const known = { server: servers, project: ['admin', ...Object.values(world.servers).map(({ project }) => project)] }
  eachText(one.input, ['input'], (text, path) => {
    for (const { 1: words = '', index } of text.matchAll(namesUsed)) {
      const named = namedIn(words)
      const why = named
        ? missingFrom(known[named.kind], named.name, named.kind)
        : `there is no \`\${${words}}\` here: a test knows \`\${servers.NAME.id}\` and \`\${projects.NAME.id}\``
      if (why !== undefined) source.say([...at, ...path], why, index)
    }
  })
  for (const [name, { host }] of Object.entries(world.servers)) {
    const isOwn = one.world?.servers?.[name] !== undefined
    check('host', hosts, host, isOwn ? ['world', 'servers', name, 'host'] : [])
  }
  for (const [when, what] of Object.entries(one.events))
    for (const sentence of [what].flat()) {
      const { host, server } = eventOf(sentence)
      check('host', hosts, host, ['events', when])
      check('server', servers, server, ['events', when])
    }
  for (const name of Object.keys(one.expect.servers)) check('server', servers, name, ['expect', 'servers', name])
}

const missingFrom = (known: readonly string[], name: string, kind: string): string | undefined =>
  known.includes(name) ? undefined : `the world has no ${kind} ${name}${didYouMean(name, known)}`

function eachText(value: unknown, path: Path, visit: (text: string, path: Path) => void): void {
  if (typeof value === 'string') visit(value, path)
  else if (Array.isArray(value)) for (const [at, one] of value.entries()) eachText(one, [...path, at], visit)
  else if (typeof value === 'object' && value !== null)
    for (const [key, one] of Object.entries(value)) eachText(one, [...path, key], visit)
}
