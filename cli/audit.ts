import type { Command } from 'commander'
import { connectLines } from './api-client.ts'
import { moment } from './since.ts'

interface ExportOptions {
  since?: string
  until?: string
  host?: string
  project?: string
}

/** audit export: who did what, and how it ended. */
export function addAuditCommands(program: Command): void {
  const audit = program.command('audit').description('who did what, with whose rights, and how it ended')
  audit
    .command('export')
    .description('CADF events, oldest first, one JSON document a line')
    .option('--since <time>', 'such as 12h, 30d or a time (RFC 3339); 1d when left out', moment)
    .option('--until <time>', 'the same; now when left out', moment)
    .option('--host <name>', 'only what was done to this host, or to servers that left it or came to it')
    .option('--project <id>', 'only what was done in the name of this project')
    .action(async (given: ExportOptions, command: Command) => {
      const { since = moment('1d'), until = new Date().toISOString(), host, project } = given
      const query = new URLSearchParams({
        ...{ since, until },
        ...(host !== undefined && { host }),
        ...(project !== undefined && { project }),
      })
      const ask = await connectLines(command)
      for (let after: string | undefined = ''; after !== undefined; ) {
        if (after) query.set('after', after)
        after = undefined
        for (const line of (await ask(`/audit?${query}`)).split('\n')) {
          after = nextOf(line)
          // the cursor is ours; what is exported is whole without it
          if (line !== '' && after === undefined) process.stdout.write(`${line}\n`)
          if (after !== undefined) break
        }
      }
    })
}

function nextOf(line: string): string | undefined {
  if (!line.startsWith('{"next":')) return undefined
  const { next } = JSON.parse(line) as { next?: unknown }
  return typeof next === 'string' ? next : undefined
}
