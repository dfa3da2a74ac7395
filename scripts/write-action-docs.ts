import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { type ActionSpec, actionCatalogue } from '../policies/catalogue/index.ts'

/** Types of Keystone's catalogue, and what people call the services. */
const services: Readonly<Record<string, string>> = {
  compute: 'Servers (Nova)',
  'block-storage': 'Volumes (Cinder)',
  image: 'Images (Glance)',
  network: 'Networks (Neutron)',
  orchestration: 'Stacks (Heat)',
  'load-balancer': 'Load balancers (Octavia)',
  baremetal: 'Nodes (Ironic)',
  identity: 'Users and projects (Keystone)',
}

const intro = `# Actions

<!-- Written by scripts/write-action-docs.ts from policies/catalogue/; a test compares the two. -->

The common actions by plain names. Any other call of OpenStack can be made too, as a raw call; of these, Steward knows
which role they need, whether there is anything left to do, when the work behind them is over, and how to take it back.

- **role**: the lowest of Keystone's default roles that may, by the policies OpenStack ships. Your cloud may ask for more.
- **repeat**: whether a call whose answer was lost may be made again without a look.
- **waits**: how long the work behind the call usually takes, and how long it is waited for at most.
- **undo**: whether there is an action that takes it back. **Destructive** ones may lose data for good.

Names are never changed: programs may rely on them.
`

/** docs/actions.md as the catalogue has it now. */
export function actionDocs(): string {
  const all = [...actionCatalogue.values()]
  const sections = Object.entries(services).map(([service, title]) => {
    const specs = all.filter((spec) => spec.service === service)
    return `\n## ${title}\n\n${tableOf(specs)}\n${specs.map(detailsOf).join('\n')}`
  })
  return intro + sections.join('')
}

function tableOf(specs: readonly ActionSpec[]): string {
  const rows = specs.map(({ name, title, needsRole, repeatable, waitFor, undo, destructive }) => {
    const waits = waitFor ? `${time(waitFor.typicalSeconds)}, at most ${time(waitFor.limitSeconds)}` : '–'
    const traits = [undo ? 'undo' : '', destructive ? '**destructive**' : ''].filter(Boolean).join(', ') || '–'
    return `| [\`${name}\`](#${anchorOf(name)}) | ${title} | ${needsRole} | ${repeatable ? 'yes' : 'no'} | ${waits} | ${traits} |`
  })
  return [
    '| action | what it does | role | repeat | waits | |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

function detailsOf({ name, title, see, input, notes, notDelegable }: ActionSpec): string {
  const lines = [`### \`${name}\``, '', `${title}. [OpenStack's own reference](${see}).`, '', ...inputsOf(input)]
  const remarks = [...(notDelegable === undefined ? [] : [`Cannot be scheduled: ${notDelegable}.`]), ...notes]
  if (remarks.length > 0) lines.push('', ...remarks.map((note) => `- ${note}`))
  return `${lines.join('\n')}\n`
}

function inputsOf(input: z.ZodObject): string[] {
  const { properties = {}, required = [] } = z.toJSONSchema(input, { io: 'input' })
  return Object.entries(properties).map(([key, schema]) => {
    const { description, default: preset } = schema as { description?: string; default?: unknown }
    const presence = preset === undefined ? 'may be left out' : `${JSON.stringify(preset)} when left out`
    return `\`${key}\`${description ? `: ${description}` : ''}${required.includes(key) ? '' : ` (${presence})`}  `
  })
}

const anchorOf = (name: string) => name.replaceAll('.', '')

const units = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const

/** The largest unit that says it without a fraction. */
function time(seconds: number): string {
  const [size, unit] = units.find(([size]) => seconds % size === 0) ?? [1, 's']
  return `${seconds / size} ${unit}`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  writeFileSync(new URL('../docs/actions.md', import.meta.url), actionDocs())
