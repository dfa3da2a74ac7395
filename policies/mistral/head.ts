import { actionCatalogue } from '../catalogue/index.ts'
import { looksSecret } from '../redact.ts'
import { camel } from './naming.ts'
import { content, type Workflow } from './workflow.ts'

type Step = Readonly<Record<string, unknown>>

/** What a document says before its steps. */
export interface Head {
  readonly says: Readonly<Record<string, unknown>>
  readonly notes: readonly string[]
}

/** Makes the head of a document from what a workflow says, and from the steps that were made of it. */
export function headOf(workflow: Workflow, fileName: string, steps: readonly Step[]): Head {
  const notes: string[] = []
  const changes = deedsIn(steps)
  const risk = riskOf(changes)
  const input: Record<string, unknown> = Object.fromEntries(
    workflow.input.flatMap(({ name, preset }) =>
      looksSecret(name) ? [] : [[camel(name), fieldOf(workflow, name, preset, notes)]],
    ),
  )
  const secrets = workflow.input.flatMap(({ name }) => (looksSecret(name) ? [name] : []))
  if (secrets.length > 0)
    notes.push(`${secrets.join(', ')} is left out of the input: every run shows what it was given`)
  const ids = changes.map(({ action, with: given }) =>
    String(action).startsWith('server.')
      ? /^\$\{(input\.\w+)\}$/.exec(String(content(given).serverId))?.[1]
      : undefined,
  )
  let targets = [...new Set(ids)].map((id) => `server/\${${id}}`)
  if (ids.includes(undefined)) {
    input.projectId = {
      type: 'string',
      pattern: '[0-9A-Za-z_-]{1,64}',
      description: 'the project in which it changes something; nobody else does so meanwhile',
    }
    targets = ['project/${input.projectId}']
    notes.push('takes the project it works in as further input: a run holds a lease on what it changes')
  }
  const title = workflow.name.replaceAll(/[._-]+/g, ' ').trim()
  return {
    says: {
      name: kebab(workflow.name),
      title: `${title.charAt(0).toUpperCase()}${title.slice(1)}`.slice(0, 100),
      description:
        workflow.description?.trim().slice(0, 2000) || `Made of the Mistral workflow ${workflow.name} of ${fileName}.`,
      risk,
      ...(Object.keys(input).length > 0 && { input }),
      ...(targets.length > 0 && { targets }),
    },
    notes,
  }
}

/** Every step that changes something, however deep. */
function deedsIn(value: unknown): Step[] {
  if (Array.isArray(value)) return value.flatMap(deedsIn)
  if (typeof value !== 'object' || value === null) return []
  const step = value as Step
  const own = typeof step.action === 'string' || step.call !== undefined ? [step] : []
  return [...own, ...Object.values(step).flatMap(deedsIn)]
}

function riskOf(changes: readonly Step[]): 'read' | 'move' | 'destructive' {
  if (changes.some(({ action }) => typeof action === 'string' && actionCatalogue.get(action)?.destructive))
    return 'destructive'
  return changes.length > 0 ? 'move' : 'read'
}

/** Mistral has no types: they are guessed from defaults, and from lists that are gone through. */
function fieldOf({ tasks }: Workflow, name: string, preset: unknown, notes: string[]): Step {
  const given = preset === undefined ? {} : { default: preset }
  if (
    tasks.some(({ says }) =>
      new RegExp(`in\\s*(<%|\\{\\{)\\s*[$_]\\.${name}\\s*(%>|\\}\\})`).test(String(says['with-items'])),
    )
  )
    return preset === undefined || Array.isArray(preset)
      ? { type: 'list', of: 'string', ...given }
      : { type: 'list', of: 'string', required: false }
  if (typeof preset === 'boolean') return { type: 'boolean', ...given }
  if (typeof preset === 'number') return { type: Number.isInteger(preset) ? 'integer' : 'number', ...given }
  if (Array.isArray(preset) && preset.every((one) => typeof one === 'string'))
    return { type: 'list', of: 'string', ...given }
  if (preset === null) return { type: 'string', required: false }
  if (preset === undefined || (typeof preset === 'string' && !/<%|\{\{/.test(preset)))
    return { type: 'string', ...given }
  notes.push(
    `the default of the input ${name} is not imported: an input is a text, a number, a yes or no, or a list of those`,
  )
  return { type: 'string' }
}

const kebab = (name: string) => {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60)
  return /^[a-z][a-z0-9-]+$/.test(plain) ? plain : `imported-${plain}`
}
