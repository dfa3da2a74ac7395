import type { ProcessStatus } from '../../core/activities.ts'
import type { PacemakerService } from '../../core/ssh.ts'
import type { Supervisor } from './supervisor.ts'

const runs: ReadonlySet<string> = new Set(['Started', 'Promoted', 'Unpromoted', 'Master', 'Slave'])

/**
 * Resources of Pacemaker. A start has a number in the history of its node. `crm_resource --restart` waits until the
 * resource is up again, or gives up by itself.
 */
export function pacemaker({ name, node }: PacemakerService): Supervisor {
  const on = node === undefined ? [] : [`--node=${node}`]
  return {
    look: ['crm_mon', '--one-shot', '--output-as=xml'],
    restart: ['crm_resource', '--restart', `--resource=${name}`, ...on],
    reset: ['crm_resource', '--cleanup', `--resource=${name}`, ...on],

    read({ exitCode, stdout }) {
      if (exitCode !== 0) return undefined
      const { resources, starts } = survey(stdout, name)
      const [first] = resources
      if (!first) return stdout.includes('</pacemaker-result>') ? 'no such service' : undefined
      const here = node === undefined ? resources.find(isActive) : resources.find((one) => one.node === node)
      if (!here) return { pid: 0, state: 'stopped' }
      const start = here.node === undefined ? undefined : starts.get(here.node)
      return { pid: 0, state: stateOf(here), ...(start !== undefined && { instance: `${here.node} ${start}` }) }
    },
  }
}

interface Resource {
  readonly attributes: ReadonlyMap<string, string>
  node?: string | undefined
}

const isActive = ({ attributes }: Resource) => attributes.get('active') === 'true'

function stateOf({ attributes }: Resource): NonNullable<ProcessStatus['state']> {
  if (attributes.get('failed') === 'true' || attributes.get('blocked') === 'true') return 'failed'
  if (attributes.has('pending')) return 'changing'
  return runs.has(attributes.get('role') ?? '') ? 'running' : 'stopped'
}

const tag = /<([a-z_-]+)((?:\s+[\w-]+="[^"]*")*)\s*\/?>/g
const attribute = /([\w-]+)="([^"]*)"/g

/** Where the resource runs, and its last start on each node: what of the XML is asked for, in the order it stands there. */
function survey(xml: string, name: string): { resources: Resource[]; starts: Map<string, string> } {
  const resources: Resource[] = []
  const starts = new Map<string, string>()
  let isInHistory = false
  let node: string | undefined
  let ours: Resource | undefined
  let isOurHistory = false
  for (const [, element, text = ''] of xml.matchAll(tag)) {
    const attributes = new Map([...text.matchAll(attribute)].map(([, key = '', value = '']) => [key, value]))
    const id = attributes.get('id')
    // instances of a clone have a number behind the name
    const isOurs = id === name || id?.replace(/:\d+$/, '') === name
    if (element === 'node_history') isInHistory = true
    else if (element === 'resource') {
      ours = isOurs ? { attributes } : undefined
      if (ours) resources.push(ours)
    } else if (element === 'node') {
      node = attributes.get('name')
      if (ours && !isInHistory) ours.node = node
    } else if (element === 'resource_history') isOurHistory = isOurs
    else if (element === 'operation_history' && isOurHistory && node && attributes.get('task') === 'start')
      starts.set(node, `start ${attributes.get('call')} ${attributes.get('last-rc-change') ?? ''}`.trimEnd())
  }
  return { resources, starts }
}
