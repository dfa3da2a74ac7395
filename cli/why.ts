import type { Command } from 'commander'
import { aboutKinds, type Reason, Why } from '../core/why.ts'
import { connectApi } from './api-client.ts'
import { printGroups } from './print.ts'
import { timeText } from './span.ts'

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** why: why did it act, or not? */
export function addWhyCommands(program: Command): void {
  program
    .command('why <what>')
    .description('why did it act, or not? A host, an incident id, run/ID, action/ID or alert/KEY')
    .option('--all', 'also how things are, with all figures')
    .action(async (what: string, { all = false }: { all?: boolean }, command: Command) => {
      const ask = await connectApi(command)
      const found = Why.parse(await ask('GET', `/why?about=${encodeURIComponent(aboutOf(what))}`))
      const weighty = found.reasons.filter(({ weight }) => weight !== 'tells')
      const others = found.reasons.filter(({ weight }) => weight === 'tells')
      const told = all ? others : others.slice(0, toldOthers)
      const left = others.length - told.length
      printGroups(command, found, [
        [['', found.answer]],
        weighty.map((reason): [string, string] => [
          reason.weight === 'stops' ? 'STOPS' : 'WAITS',
          sentenceOf(reason, all),
        ]),
        told.map((reason): [string, string] => [reason.at ? timeText(reason.at) : '', sentenceOf(reason, all)]),
        left > 0 ? [['', `${left} more with --all`]] : [],
      ])
    })
}

/** A host needs no prefix, nor does the id of an incident. */
function aboutOf(what: string): string {
  if (aboutKinds.some((kind) => what.startsWith(`${kind}/`))) return what
  return uuid.test(what) ? `incident/${what}` : `host/${what}`
}

const toldOthers = 8

const sentenceOf = ({ weight, at, sentence, until, code, figures }: Reason, all: boolean): string => {
  const since = weight !== 'tells' && at ? ` since ${timeText(at)}` : ''
  const over = until === undefined ? '' : ` until ${timeText(until)}`
  const span = since || over ? ` (${`${since}${over}`.trim()})` : ''
  return `${sentence}${span}${code === undefined ? '' : ` [${code}]`}${all ? figuresOf(figures) : ''}`
}

/** Figures are for those who doubt the sentence; most have them in words already. */
const figuresOf = (figures: Reason['figures'] = {}) => {
  const told = Object.entries(figures).map(([name, figure]) => `${name}=${figure}`)
  return told.length === 0 ? '' : ` {${told.join(' ')}}`
}
