import type { Command } from 'commander'
import type { Call } from '../core/call.ts'
import type { ServerSelector } from '../core/group.ts'
import type { Work } from '../core/work.ts'
import { readJsonOption } from './json-option.ts'

/** The words in which the command line says what is to be done. */
export interface WorkOptions {
  body?: string
  microversion?: string
  with?: string[]
  steps?: string
  on?: string[]
  tag?: string[]
  withoutTag?: string[]
  nameBegins?: string
}

/** `server.stop --with serverId=ID`, or `compute POST /servers/ID/action --body JSON`, or `--steps @FILE`. */
export const withWork = (command: Command): Command =>
  command
    .argument('[what...]', 'an action of the catalogue, or a service, a method and a path')
    .option('--with <key=value...>', 'input of the action; JSON where it is some, else text')
    .option('--body <json>', 'JSON body of a call, or @FILE')
    .option('--microversion <version>', 'of a call, such as 2.96')
    .option('--on <id...>', 'do the action on each of these')
    .option('--tag <tag...>', 'or on the servers of your project that have all of these tags when it is due')
    .option('--without-tag <tag...>', 'and none of these')
    .option('--name-begins <text>', 'and a name that begins with this')
    .option('--steps <json>', 'several actions and calls, one after the other: a JSON list, or @FILE')

/** What the words mean, for the API to judge. @throws when they say nothing, or two things */
export async function workIn(what: readonly string[], options: WorkOptions): Promise<Work> {
  const { body, microversion, steps } = options
  if (steps !== undefined && what.length === 0)
    return { steps: (await readJsonOption(steps, '--steps')) as Work['steps'] & {} }
  const [first = '', method = '', path = ''] = what
  if (steps === undefined && what.length === 1)
    return { action: first, with: inputOf(options.with ?? []), ...targetsIn(options) }
  if (steps === undefined && what.length === 3) {
    const call = {
      ...{ service: first, method: method.toUpperCase() as Call['method'], path },
      ...(body && { body: (await readJsonOption(body, '--body')) as Call['body'] & {} }),
      ...(microversion && { microversion }),
    }
    return { call }
  }
  throw new Error('say what to do: NAME of an action, or SERVICE METHOD PATH of a call, or --steps')
}

function targetsIn(options: WorkOptions): Pick<Work, 'targets'> {
  const select = selectorIn(options)
  if (options.on && select) throw new Error('name the targets by --on, or say which are meant, not both')
  if (options.on) return { targets: { ids: options.on } }
  return select ? { targets: { select } } : {}
}

/** What `--tag`, `--without-tag` and `--name-begins` mean; undefined when none of them is given. */
export function selectorIn({ tag, withoutTag, nameBegins }: WorkOptions): ServerSelector | undefined {
  const select = {
    ...(tag && { tags: tag }),
    ...(withoutTag && { withoutTags: withoutTag }),
    ...(nameBegins !== undefined && { nameBegins }),
  }
  return Object.keys(select).length > 0 ? select : undefined
}

function inputOf(pairs: readonly string[]): Work['with'] & {} {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw new Error(`--with ${pair}: give key=value`)
      return [pair.slice(0, at), readValue(pair.slice(at + 1))]
    }),
  )
}

function readValue(text: string) {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
