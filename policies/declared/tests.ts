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

const namesUsed = /\$\{servers\.([^}]*)\.id\}/g

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
    if (name !== undefined && !known.includes(name))
      source.say([...at, ...path], `the world has no ${kind} ${name}${didYouMean(name, known)}`)
  }
  const duplicate = tests.cases.findIndex(({ name }) => name === one.name)
  if (tests.cases[duplicate] !== one) source.say([...at, 'name'], `there is a case of this name already`)
  for (const [field, value] of Object.entries(one.input))
    for (const [, name] of JSON.stringify(value).matchAll(namesUsed)) check('server', servers, name, ['input', field])
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
