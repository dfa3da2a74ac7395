import { readFile, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { failure, messageOf } from '../core/errors.ts'
import { type ImportedWorkflow, importMistral } from '../policies/mistral/import.ts'
import { printNotes, printTable } from './print.ts'

interface Options {
  workflow?: string
  out?: string
}

/** import mistral: makes runbooks of workflows, and says what could not be taken over. */
export function addImportCommands(program: Command): void {
  program
    .command('import')
    .description('makes runbooks of what was written for others')
    .command('mistral <file>')
    .description(
      'makes a YAML runbook of a Mistral v2 workflow, and says task by task what maps; needs no installation',
    )
    .option('--workflow <name>', 'the one of the file to take (default: the only one)')
    .option('--out <file>', 'writes the runbook there; without it only the report is shown')
    .action(async (file: string, { workflow, out }: Options, command: Command) => {
      const text = await readFile(file, 'utf8').catch((error: unknown) => {
        throw failure('INPUT_INVALID', `${file} cannot be read: ${messageOf(error)}`)
      })
      const all = importMistral(text, basename(file))
      const wanted = workflow === undefined ? all : all.filter(({ name }) => name === workflow)
      if (wanted.length === 0 || (out !== undefined && wanted.length > 1)) {
        const names = all.map(({ name }) => name).join(', ')
        throw failure('INPUT_INVALID', `${file} has the workflows ${names}: name one of them with --workflow`)
      }
      if (out !== undefined) await writeFile(out, wanted[0]?.runbook ?? '')
      report(command, wanted, out)
    })
}

function report(command: Command, workflows: readonly ImportedWorkflow[], out: string | undefined): void {
  const rows = workflows.flatMap(({ name, tasks }) =>
    tasks.map((task) => [name, task.name, String(task.line), task.verdict, task.notes.join('; ')]),
  )
  const data = { workflows, ...(out !== undefined && { out }) }
  printTable(command, data, ['WORKFLOW', 'TASK', 'LINE', 'VERDICT', 'WHAT IS NOT THE SAME'], rows)
  const mapped = rows.filter(([, , , verdict]) => verdict !== 'not mapped').length
  printNotes(command, [
    `${mapped} of ${rows.length} tasks are taken over; one that is not fails in the runbook, so that nothing is left out unseen`,
    ...workflows.flatMap(({ name, notes }) => notes.map((note) => `${name}: ${note}`)),
    ...workflows.flatMap(({ problems }) => problems.map((problem) => `to be put right by hand: ${problem}`)),
    ...(out === undefined ? [] : [`the runbook is in ${out}`]),
  ])
}
