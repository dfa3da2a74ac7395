import { Command } from 'commander'
import { version } from './boot/version.ts'
import { addAccessCommands } from './cli/access.ts'
import { addActionCommands } from './cli/actions.ts'
import { addAuditCommands } from './cli/audit.ts'
import { addCatalogueCommand } from './cli/catalogue.ts'
import { addDelegationCommands } from './cli/delegations.ts'
import { explain } from './cli/explain.ts'
import { addImportCommands } from './cli/import.ts'
import { addIncidentCommands } from './cli/incidents.ts'
import { addLeaseCommands } from './cli/leases.ts'
import { addModeCommands } from './cli/modes.ts'
import { addNotifyCommands } from './cli/notify.ts'
import { addOwnRunbookCommands } from './cli/own-runbooks.ts'
import { addPlanCommands } from './cli/plan.ts'
import { addProcessCommands } from './cli/processes.ts'
import { addRecurringActionCommands } from './cli/recurring-actions.ts'
import { addReportCommands } from './cli/reports.ts'
import { addRunbookCommands } from './cli/runbooks.ts'
import { addStopCommands } from './cli/stop.ts'
import { addWhyCommands } from './cli/why.ts'

const program = new Command('steward')
  .description("Looks after an OpenStack cloud on its owners' behalf, with delegated rights only.")
  .version(version)
  .option('--api <url>', 'URL of the Steward API', process.env.STEWARD_URL ?? 'http://127.0.0.1:8774')
  .option('--json', 'print JSON instead of tables')
  .option('--os-cloud <name>', 'your entry in clouds.yaml; OS_* variables when left out', process.env.OS_CLOUD)
  .showHelpAfterError()

addProcessCommands(program)
addDelegationCommands(program)
addActionCommands(program)
addCatalogueCommand(program)
addRecurringActionCommands(program)
addIncidentCommands(program)
addWhyCommands(program)
addStopCommands(program)
addModeCommands(program)
addLeaseCommands(program)
addOwnRunbookCommands(addRunbookCommands(program))
addPlanCommands(program)
addImportCommands(program)
addReportCommands(program)
addNotifyCommands(program)
addAuditCommands(program)
addAccessCommands(program)

// `steward incident list | head`: whoever reads has seen enough
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = 1
}
