import type { Command } from 'commander'
import { stringify } from 'yaml'
import { readConfig } from '../boot/config-file.ts'
import { createLog } from '../boot/log.ts'
import { untilStopped } from '../boot/until-stopped.ts'
import { startAll } from '../boot/up.ts'
import { runServer } from '../server.ts'
import { rotateKeys } from '../temporal/keys.ts'
import { runWorker } from '../worker.ts'

const configOption = ['-c, --config <file>', 'steward.yaml; default: STEWARD_CONFIG, then ./steward.yaml'] as const

/** up, api, worker, config, keys: what runs on the operator's own machine. */
export function addProcessCommands(program: Command): void {
  program
    .command('up')
    .description('run everything: API, worker and an embedded Temporal (or the one of TEMPORAL_ADDRESS)')
    .option(...configOption)
    .action(async ({ config: file }: { config?: string }) => {
      const startedMs = Date.now()
      const say = (line: string) => process.stderr.write(`${line}\n`)
      const running = await startAll(await readConfig(file), createLog('steward'), say)
      say(`Steward is ready after ${((Date.now() - startedMs) / 1000).toFixed(1)} s`)
      say(`  API          ${running.url}/docs`)
      if (running.temporalUiUrl) say(`  Temporal UI  ${running.temporalUiUrl}`)
      say('  Ctrl-C drains and stops')
      try {
        await Promise.race([untilStopped(), running.failed])
        say('draining …')
      } finally {
        await running.stop()
      }
    })

  program
    .command('api')
    .description('run the API alone, against TEMPORAL_ADDRESS or the Temporal profile')
    .option(...configOption)
    .action(({ config }: { config?: string }) => runServer(config))

  program
    .command('worker')
    .description('run a worker alone, against TEMPORAL_ADDRESS or the Temporal profile')
    .option(...configOption)
    .action(({ config }: { config?: string }) => runWorker(config))

  program
    .command('config')
    .description('check steward.yaml and print it with every default; it holds no secrets')
    .option(...configOption)
    .action(async ({ config }: { config?: string }) => {
      process.stdout.write(stringify(await readConfig(config)))
    })

  program
    .command('keys')
    .description('keys that encrypt the histories')
    .command('rotate')
    .description('add a new key and encrypt with it from the next start on; old keys stay to decrypt')
    .option(...configOption)
    .action(async ({ config }: { config?: string }) => {
      const { keys } = await readConfig(config)
      process.stdout.write(`${await rotateKeys(keys.file ?? 'keys.json')}\n`)
    })
}
