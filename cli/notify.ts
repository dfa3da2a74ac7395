import type { Command } from 'commander'
import { z } from 'zod'
import { type Delivery, NotificationTest, NotificationView } from '../core/notification.ts'
import { connectApi } from './api-client.ts'
import { printTable } from './print.ts'

const Listed = z.object({ notifications: z.array(NotificationView) })

/** notify list, test: whom have events reached, and can those who are told be reached? */
export function addNotifyCommands(program: Command): void {
  const notify = program.command('notify').description('who is told when something happens')
  notify
    .command('list')
    .description('events that somebody was told of, newest first, and whom they have reached')
    .option('--state <state>', 'sending, delivered or undelivered')
    .option('--limit <n>', 'most to show', '100')
    .action(async (options: { state?: string; limit: string }, command: Command) => {
      const ask = await connectApi(command)
      const found = Listed.parse(await ask('GET', `/notifications?${new URLSearchParams(options)}`))
      const rows = found.notifications.map(({ time, type, state, summary, deliveries }) => [
        ...[time, type.replace('io.steward.', ''), state, summary],
        deliveries.map(inWords).join('; '),
      ])
      printTable(command, found, ['HAPPENED', 'EVENT', 'STATE', 'WHAT', 'RECEIVERS'], rows)
    })
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

const inWords = ({ receiver, state, detail }: Delivery) =>
  `${receiver}: ${state}${detail === undefined ? '' : ` (${detail})`}`
