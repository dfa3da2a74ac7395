import type { Command } from 'commander'
import { z } from 'zod'
import { actionCatalogue, actionNamed } from '../policies/catalogue/index.ts'
import { printFields, printTable } from './print.ts'

/** catalogue: the actions that have names. Asks nobody. */
export function addCatalogueCommand(program: Command): void {
  program
    .command('catalogue [name]')
    .description('the OpenStack actions that have names, or one of them with its input')
    .action((name: string | undefined, _options: object, command: Command) => {
      if (name === undefined) {
        const all = [...actionCatalogue.values()].map(({ name, title, service, needsRole, destructive }) => ({
          ...{ name, title, service, needsRole, destructive },
        }))
        const rows = all.map((one) => [one.name, one.needsRole, one.destructive ? 'destructive' : '', one.title])
        printTable(command, all, ['ACTION', 'ROLE', '', 'WHAT IT DOES'], rows)
        return
      }
      const spec = actionNamed(name)
      const { title, service, needsRole, repeatable, destructive, notes, see, waitFor } = spec
      const input = z.toJSONSchema(spec.input, { io: 'input' })
      const about = { name: spec.name, title, service, needsRole, repeatable, destructive, notes, see, input }
      const required = new Set(input.required ?? [])
      printFields(command, about, [
        ['action', spec.name],
        ['what', title],
        ['service', service],
        ['role', needsRole],
        ...Object.entries(input.properties ?? {}).map(([key, schema]): [string, string] => [
          required.has(key) ? 'input' : 'may have',
          `${key}: ${(schema as { description?: string }).description ?? (schema as { type?: string }).type ?? 'JSON'}`,
        ]),
        ['waits', waitFor && `usually ${waitFor.typicalSeconds} s, at most ${waitFor.limitSeconds} s`],
        ['undo', spec.undo ? 'has one' : 'has none'],
        ['careful', destructive ? 'data may be lost for good' : undefined],
        ...notes.map((note): [string, string] => ['note', note]),
        ['see', see],
      ])
    })
}
