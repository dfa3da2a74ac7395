import type { Command } from 'commander'
import { readAccess } from '../boot/access-file.ts'
import { readConfig } from '../boot/config-file.ts'
import { type AccessPolicy, permissionNames, permissions } from '../core/access.ts'
import { printTable } from './print.ts'

/** access check: who may do what, by the files of this machine; nobody is asked. */
export function addAccessCommands(program: Command): void {
  program
    .command('access')
    .description('who may do what')
    .command('check')
    .description('check the access file and print what counts')
    .option('-c, --config <file>', 'steward.yaml; default: STEWARD_CONFIG, then ./steward.yaml')
    .option('--file <file>', 'an access file to try, in the place of `accessFile`')
    .action(async ({ config, file }: { config?: string; file?: string }, command: Command) => {
      const { accessFile, operatorRole } = await readConfig(config)
      const tried = file ?? accessFile
      const policy = await readAccess({ operatorRole, ...(tried !== undefined && { accessFile: tried }) })
      print(command, policy)
    })
}

/** A row for each permission, a column for each role that makes its holder somebody. */
function print(command: Command, policy: AccessPolicy): void {
  const { grants, personas } = policy
  const head = grants.map(({ role, persona, projects }) => {
    const who = role === persona ? role : `${role}=${persona}`
    return projects ? `${who}@${projects.join(',')}` : who
  })
  const rows = permissionNames.map((permission) => [
    permission,
    permissions[permission].reach,
    ...grants.map(({ persona }) => (personas[persona]?.includes(permission) ? 'yes' : '-')),
    permissions[permission].allows,
  ])
  printTable(command, policy, ['PERMISSION', 'REACH', ...head, 'ALLOWS TO'], rows)
}
