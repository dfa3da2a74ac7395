import type { Incident, IncidentState, Proposal } from '../core/incident.ts'
import { spanText, timeText } from './span.ts'

/** What each state means for whoever was woken up. */
const meanings: Readonly<Record<IncidentState, string>> = {
  confirming: 'Steward looks a second time',
  suppressed: 'somebody is at work there; Steward waits',
  flapping: 'the alert comes and goes; watched, not acted upon',
  planning: 'Steward makes a plan',
  observing: 'Steward only watches here: it would have acted',
  asking: "waits for a person's answer",
  acting: 'a run is at work, or waits for its lease',
  verifying: 'the run has ended; did it help?',
  'taken-over': 'a person has it; Steward does nothing',
  escalated: 'people are needed',
  closed: 'over',
}

type Line = [label: string, text: string]

/**
 * An incident for a tired person: its state, who has it, what would be done and why it is not, what was done, and which
 * command comes next. A line is a label and a text; a line without a label goes on with the one before.
 */
export function incidentCard(incident: Incident, nowMs: number): Line[][] {
  const { state, proposal, runs, timeline, id, workflowId } = incident
  return [
    [
      [
        state.toUpperCase(),
        state === 'asking' && proposal ? `${meanings.asking}, ${left(proposal, nowMs)}` : meanings[state],
      ],
      ...about(incident, nowMs),
    ],
    proposal ? proposed(proposal, incident) : [],
    objections(incident),
    section(
      'runs',
      runs.map(({ runbook, targets, outcome, detail, startedAt, helped }) => {
        const verdict = helped === undefined ? '' : helped ? ', and it helped' : ', and it did not help'
        return `${timeText(startedAt)}  ${runbook} on ${targets.join(', ')} ${outcome}${verdict}${detail ? `: ${detail}` : ''}`
      }),
    ),
    section(
      'time line',
      timeline.map(({ at, text }) => `${timeText(at)}  ${text}`),
    ),
    section('next', nextOf(incident)),
    [
      ['id', id],
      ['workflow', workflowId],
    ],
  ]
}

function about(
  { summary, host, binary, policy, source, openedAt, endedAt, signals, reason, ...who }: Incident,
  nowMs: number,
): Line[] {
  const signal = signals === 1 ? '1 signal' : `${signals} signals`
  const lastedMs = (endedAt ? Date.parse(endedAt) : nowMs) - Date.parse(openedAt)
  return [
    ['what', summary],
    ['where', `${binary ? `${binary} on ` : ''}${host}, by the policy ${policy}`],
    ['since', `${timeText(openedAt)} UTC (${endedAt ? 'lasted ' : ''}${spanText(lastedMs)}), ${signal} from ${source}`],
    ['who has it', hasIt(who)],
    ...(reason ? [['why', `${reason.code ? `${reason.code}: ` : ''}${reason.detail}`] as Line] : []),
  ]
}

function hasIt({ takenOverBy, acknowledgedBy }: Pick<Incident, 'takenOverBy' | 'acknowledgedBy'>): string {
  if (takenOverBy) return `${takenOverBy}, who took it over`
  return acknowledgedBy ? `${acknowledgedBy}, who has seen it` : 'nobody yet'
}

const left = ({ expiresAt }: Proposal, nowMs: number) => {
  const ms = Date.parse(expiresAt) - nowMs
  return ms > 0 ? `${spanText(ms)} left` : 'its time is over'
}

function proposed(
  { sentence, targets, plan, planId, needs, reasons, expiresAt }: Proposal,
  { answers }: Incident,
): Line[] {
  const percent = (share: number) => `${Math.round(share * 100)} %`
  const moves = plan?.moves.map(
    ({ serverName, from, to, memoryMiB }, at) => `${at + 1}. ${serverName}  ${from} → ${to}  ${memoryMiB} MiB`,
  )
  const said = answers.filter((answer) => answer.planId === planId)
  return [
    ...section('would do', [
      sentence,
      ...(moves ?? []),
      ...(plan ? [`use of the host: ${percent(plan.before)} now, ${percent(plan.after)} afterwards`] : []),
    ]),
    ['touches', targets.join(', ')],
    ['plan', planId],
    ...section('asks because', reasons),
    ['needs', `${needs === 1 ? 'one yes' : `the yes of ${needs} persons`} until ${timeText(expiresAt)} UTC`],
    ...section(
      'said so far',
      said.map(({ by, says, why }) => `${by}: ${says}${why ? `, ${why}` : ''}`),
    ),
  ]
}

const weight = ['refuse', 'observe', 'ask', 'wait']

/** The governor's reasons against it, gravest first; of the rules without objection only the names. */
function objections({ rulings = [] }: Incident): Line[] {
  const against = rulings
    .filter(({ says }) => says !== 'pass')
    .sort((a, b) => weight.indexOf(a.says) - weight.indexOf(b.says))
  const passed = [...new Set(rulings.filter(({ says }) => says === 'pass').map(({ rule }) => rule))]
  const lines = against.flatMap(({ rule, says, reason, figures, until, code }) => {
    const more = [
      ...Object.entries(figures ?? {}).map(([name, value]) => `${name} ${value}`),
      ...(until ? [`until ${until}`] : []),
    ]
    return [
      `${says}, by the rule ${rule}${code ? ` (${code})` : ''}: ${reason}`,
      ...(more.length > 0 ? [`  ${more.join(' · ')}`] : []),
    ]
  })
  return section(
    against.length > 0 ? 'why not' : 'governor',
    passed.length > 0 ? [...lines, `no objection: ${passed.join(', ')}`] : lines,
  )
}

function nextOf({ id, state, proposal, takenOverBy }: Incident): string[] {
  const steward = (what: string) => `steward incident ${what}`
  if (state === 'closed') return []
  if (state === 'asking' && proposal)
    return [
      steward(`approve ${id} --plan ${proposal.planId.slice(0, 8)}`),
      steward(`reject ${id} --plan ${proposal.planId.slice(0, 8)} --why …`),
      steward(`approval-link ${id} --for NAME`),
      steward(`take-over ${id}`),
    ]
  if (takenOverBy || state === 'escalated')
    return [
      ...(takenOverBy ? [] : [steward(`take-over ${id}`)]),
      `${steward(`hand-back ${id}`)}  # plan anew`,
      steward(`close ${id} --why …`),
    ]
  return [`${steward(`take-over ${id}`)}  # Steward does nothing more`]
}

const section = (label: string, texts: readonly string[]): Line[] =>
  texts.map((text, at) => [at === 0 ? label : '', text])
