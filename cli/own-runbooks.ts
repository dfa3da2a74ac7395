import { access, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { readConfig } from '../boot/config-file.ts'
import { checkOwnRunbooks, findOwnRunbooks } from '../boot/own-runbooks.ts'
import { failure } from '../core/errors.ts'
import { RunbookName } from '../core/runbook.ts'
import { plain, printTable } from './print.ts'
import { checkByReplay, type ReplayOptions } from './replay-check.ts'
import { addRunbookTestCommand } from './runbook-test.ts'

interface CheckOptions extends ReplayOptions {
  replay?: string[]
}

/** runbook new|check|test: runbooks of one's own, before a worker has them. */
export function addOwnRunbookCommands(runbook: Command): void {
  addRunbookTestCommand(runbook)
  runbook
    .command('new <name>')
    .description('write the beginning of a runbook of your own')
    .option('--folder <path>', 'where to', 'runbooks')
    .action(async (name: string, { folder }: { folder: string }) => {
      if (!RunbookName.safeParse(name).success)
        throw failure('INPUT_INVALID', `${name}: a name has lower-case letters, digits and dashes`)
      const file = join(folder, `${name}.ts`)
      await mkdir(folder, { recursive: true })
      await writeNew(file, template(name))
      await writeNew(join(folder, `${name}.test.yaml`), testTemplate(name))
      const types = join(folder, 'tsconfig.json')
      if (!(await isThere(types))) await writeFile(types, typesFor(folder))
      process.stdout.write(
        `${file} and its tests are written. Next:\n  steward runbook check ${folder}\n  steward runbook test ${folder}\n  add \`runbooks: { folders: [${folder}] }\` to steward.yaml and restart the worker\n`,
      )
    })
  runbook
    .command('check [folder]')
    .description('look for what would fail a run: of one folder, or of all that steward.yaml names; runs nothing')
    .option('--config <file>', 'steward.yaml')
    .option(
      '--replay <path...>',
      'exported histories, files or folders: what has begun must be able to go on with these',
    )
    .option('--keys <file>', 'key file of the installation that the histories are of; default: as steward.yaml says')
    .action(async (folder: string | undefined, options: CheckOptions, command: Command) => {
      const { config, replay } = options
      const own = folder
        ? { folders: [resolve(folder)], packages: [], beside: dirname(resolve(folder)) }
        : (await readConfig(config)).runbooks
      const modules = await findOwnRunbooks(own)
      const { cards, problems, bundle } = await checkOwnRunbooks(modules, { isWitnessed: replay !== undefined })
      if (problems.length > 0) {
        for (const problem of problems) process.stderr.write(`${plain(problem)}\n`)
        process.exitCode = 1
        return
      }
      if (replay && bundle) {
        const runbooks = new Set(cards.map(({ name }) => name))
        return checkByReplay(command, { bundle, runbooks }, replay, options)
      }
      const mine = cards.filter(({ source }) => source === 'own')
      const rows = mine.map(({ name, risk, title, needs }) => [
        name,
        risk,
        title,
        `${needs.calls.length + needs.actions.length + needs.steps.length} things`,
      ])
      printTable(command, mine, ['NAME', 'RISK', 'WHAT', 'MAY DO'], rows)
    })
}

const isThere = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  )

/** @throws INPUT_INVALID it is there already */
async function writeNew(file: string, text: string): Promise<void> {
  if (await isThere(file)) throw failure('INPUT_INVALID', `${file} is there already`)
  await writeFile(file, text)
}

const template = (name: string) => `import { defineRunbook, type Target, z } from 'steward/runbook'

export default defineRunbook({
  name: '${name}',
  title: 'Restart a server that hangs',
  description: 'Reboots one server and waits until it is active again. Refuses one that is not active.',
  input: z.strictObject({ serverId: z.uuid() }),
  risk: 'move',
  needs: {
    roles: ['member'],
    calls: ['compute GET /servers/{server}'],
    actions: ['server.reboot'],
  },
  targets: ({ serverId }): Target[] => [\`server/\${serverId}\`],
  async run(run, { serverId }) {
    const { body } = await run.read({ service: 'compute', path: \`/servers/\${serverId}\` })
    const server = (body as { server?: { name: string; status: string } } | undefined)?.server
    if (server?.status !== 'ACTIVE') return { summary: \`left alone: it is \${server?.status ?? 'gone'}\` }
    // waits until it is active again
    await run.action('server.reboot', { serverId })
    return { summary: \`\${server.name} \${run.dryRun ? 'would be' : 'was'} rebooted\` }
  },
})
`

const testTemplate = (name: string) => `# steward runbook test; what may stand here: docs/write-a-runbook.md
runbook: ${name}
world:
  servers:
    web: { status: ACTIVE }
    old: { status: SHUTOFF }

cases:
  - name: restarts it once, also when the answer is lost
    input: { serverId: "\${servers.web.id}" }
    faults:
      - { call: "compute POST /servers/{server}/action", with: lost after effect }
    expect:
      summary: web was rebooted
      did: [reboot web]
      servers: { web: ACTIVE, old: SHUTOFF }

  - name: leaves one alone that is off
    input: { serverId: "\${servers.old.id}" }
    expect: { summary: "left alone: it is SHUTOFF", did: [] }
`

/** So that an editor knows \`steward/runbook\`. */
function typesFor(folder: string): string {
  const sdk = fileURLToPath(new URL('../workflows/sdk/index.ts', import.meta.url))
  const paths = { 'steward/runbook': [relative(resolve(folder), sdk)] }
  const compilerOptions = {
    ...{ target: 'es2023', module: 'nodenext', lib: ['es2023'], types: [], strict: true, noEmit: true },
    ...{ allowImportingTsExtensions: true, skipLibCheck: true, paths },
  }
  return `${JSON.stringify({ compilerOptions, include: ['*.ts'] }, null, 2)}\n`
}
