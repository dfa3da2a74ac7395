import type { Run, RunbookCard, RunVersion } from '../core/runbook.ts'

type Row = [string, string]

/** A run as people read it: what it is, its steps, what it asks, what it kept. */
export function runCard(run: Run): Row[][] {
  const { question, steps = [], notes, evidence = {}, result } = run
  const state = run.dryRun ? `${run.state} (a dry run: nothing is changed)` : run.state
  return [
    rows([
      ['run', run.id],
      ['runbook', run.runbook],
      ['state', state],
      ['summary', run.summary],
      ['code', run.code],
      ['by', run.by],
      ['why', run.why],
      ['targets', run.targets.join(', ') || undefined],
      ['started', run.startedAt],
      ['ended', run.endedAt],
      ['version', run.version && versionWords(run.version)],
    ]),
    question
      ? rows([
          ['asks', question.text],
          ['question', question.id],
          ['until', question.until],
        ])
      : [],
    listed(
      'steps',
      steps.map(({ state: how, title, detail }) => `${how.padEnd(8)} ${title}${detail ? ` – ${detail}` : ''}`),
    ),
    listed(
      'notes',
      notes.map(({ at, text }) => `${at} ${text}`),
    ),
    listed('evidence', Object.keys(evidence)),
    result === undefined ? [] : [['result', JSON.stringify(result)]],
  ]
}

function versionWords({ build, isCurrent, isServed }: RunVersion): string {
  const which = isCurrent
    ? `${build}, the current one`
    : `${build}, which it began with; runs begin with another one now`
  return isServed ? which : `${which}; no worker has it: the run waits for one`
}

/** The fields of a runbook's input, one a line. */
export function inputWords(schema: RunbookCard['input']): Row[] {
  const fields = Object.entries((schema.properties ?? {}) as Record<string, Record<string, unknown>>)
  const required = (schema.required ?? []) as string[]
  return listed(
    'input',
    fields.map(([name, field]) => {
      const type = field.enum ? (field.enum as unknown[]).join('|') : String(field.type ?? 'any')
      const how =
        field.default !== undefined
          ? `default ${JSON.stringify(field.default)}`
          : required.includes(name)
            ? 'required'
            : 'optional'
      return `${name}: ${type}, ${how}${typeof field.description === 'string' ? ` – ${field.description}` : ''}`
    }),
  )
}

const rows = (given: [string, string | undefined][]): Row[] => given.filter((row): row is Row => row[1] !== undefined)
const listed = (name: string, lines: string[]): Row[] => lines.map((line, i) => [i === 0 ? name : '', line])
