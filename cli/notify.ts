import type { Command } from 'commander'
import { NotificationTest } from '../core/notification.ts'
import { connectApi } from './api-client.ts'
import { printTable } from './print.ts'

/** notify test: can those who are told be reached? */
export function addNotifyCommands(program: Command): void {
  const notify = program.command('notify').description('who is told when something happens')
  notify
    .command('test')
    .description('send a test event, and show what the receivers answered; fails when one has not taken it')
    .argument('[receiver]', 'its name in steward.yaml; all when left out')
    .action(async (receiver: string | undefined, _options: object, command: Command) => {
      const ask = await connectApi(command)
      const test = NotificationTest.parse(
        await ask('POST', '/notifications/test', receiver === undefined ? {} : { receiver }),
      )
      const rows = test.results.map(({ receiver: name, kind, delivered, status, detail }) => [
        ...[name, kind, delivered ? 'delivered' : 'NOT delivered'],
        ...[status === undefined ? undefined : String(status), detail],
      ])
      printTable(command, test, ['RECEIVER', 'KIND', 'EVENT', 'STATUS', 'DETAIL'], rows)
      if (test.results.some(({ delivered }) => !delivered)) process.exitCode = 1
    })
}
