import { createHash } from 'node:crypto'
import type { Incident, Proposal } from '../core/incident.ts'
import type { ApprovalLink } from './approval-links.ts'

const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #59636e; --paper: #fff; --line: #d1d9e0; --yes: #1a7f37; --no: #cf222e }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #9198a1; --paper: #0d1117; --line: #3d444d; --yes: #238636; --no: #da3633 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 46rem; padding: 1.5rem 1rem 3rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); overflow-wrap: anywhere }
h1 { margin: 0 0 .25rem; font-size: 1.4rem; line-height: 1.25 }
h2 { margin: 1.5rem 0 .25rem; font-size: 1rem }
p { margin: .25rem 0 }
.dim { color: var(--dim) }
.plan { margin: 1rem 0; padding: .75rem 1rem; border: 1px solid var(--line); border-left: 4px solid var(--dim); border-radius: 6px; font-size: 1.1rem }
ul { margin: .25rem 0; padding-left: 1.25rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
label { display: block; margin: 1.5rem 0 .25rem; font-weight: 600 }
textarea { width: 100%; padding: .5rem; border: 1px solid var(--line); border-radius: 6px; font: inherit; color: inherit; background: transparent }
.answers { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0 }
button { flex: 1 1 12rem; padding: .75rem 1rem; border: 0; border-radius: 6px; font: inherit; font-weight: 600; color: #fff; cursor: pointer }
button:focus-visible, textarea:focus-visible { outline: 3px solid #0969da; outline-offset: 2px }
.yes { background: var(--yes) }
.no { background: var(--no) }
`

/** Nothing is loaded, nothing runs, nothing frames it, and its form goes back to where it came from. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
/** Text of others as text: no tags, and nothing that turns the direction of writing. */
const text = (given: string) =>
  given.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ').replace(/[&<>"']/g, (char) => entities[char] ?? '')

const page = (title: string, body: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${text(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`

/** One sentence, when there is nothing to decide. */
export const sentencePage = (title: string, sentence: string) =>
  page(title, `<h1>${text(title)}</h1>\n<p>${text(sentence)}</p>`)

/** The same for a link that is wrong, too old, or of something that is gone. */
export const noSuchLink = () =>
  sentencePage('This link does not work', 'It may have expired. Ask whoever sent it to you for a new one.')

/** What is to be decided, and a form to decide it with. Opening it decides nothing. */
export function approvalPage(incident: Incident, proposal: Proposal, link: ApprovalLink): string {
  const { answers, policy, host, summary, source, openedAt } = incident
  const said = answers.filter(({ planId }) => planId === proposal.planId)
  const title = `May Steward run ${proposal.runbook} on ${host}?`
  const parts = [
    `<h1>${text(title)}</h1>`,
    `<p class="dim">${text(link.name)}, you are asked by ${text(link.issuer.name)}. Opening this page has decided nothing.</p>`,
    `<div class="plan">${text(proposal.sentence)}</div>`,
    `<h2>Why</h2>\n<p>${text(summary)}</p>`,
    `<p class="dim">Incident of the policy ${text(policy)}, reported by ${text(source)}, open since ${time(openedAt)}.</p>`,
    list('Why a person is asked', proposal.reasons),
    list('What it touches', proposal.targets),
    movesOf(proposal),
    `<h2>Until when</h2>\n<p>Asked ${time(proposal.askedAt)}; the question ends ${time(proposal.expiresAt)}, this link ${time(link.expiresAt)}. ${needed(proposal)}</p>`,
    list(
      'Said so far',
      said.map(({ by, says, why }) => `${by}: ${says}${why ? `, ${why}` : ''}`),
    ),
    `<form method="post">
<label for="why">Your reason, for the record</label>
<textarea id="why" name="why" rows="2" maxlength="500"></textarea>
<div class="answers">
<button class="yes" name="says" value="approved">Yes, do exactly this</button>
<button class="no" name="says" value="rejected">No, do not</button>
</div>
</form>`,
    `<p class="dim">Plan ${text(proposal.planId)} of incident ${text(incident.id)}. Your answer is recorded as ${text(link.name)}, by a link of ${text(link.issuer.name)}.</p>`,
  ]
  return page(title, parts.filter((part) => part !== '').join('\n'))
}

const needed = ({ needs }: Proposal) =>
  needs === 1 ? 'One person decides; a no ends it.' : `${needs} persons must say yes; one no ends it.`

const list = (heading: string, items: readonly string[]) =>
  items.length === 0
    ? ''
    : `<h2>${heading}</h2>\n<ul>\n${items.map((item) => `<li>${text(item)}</li>`).join('\n')}\n</ul>`

function movesOf({ plan }: Proposal): string {
  if (!plan) return ''
  const rows = plan.moves.map(
    ({ serverName, from, to, memoryMiB, reason }) =>
      `<tr><td>${text(serverName)}</td><td>${text(from)} → ${text(to)}</td><td>${memoryMiB} MiB</td><td>${text(reason)}</td></tr>`,
  )
  const percent = (share: number) => `${Math.round(share * 100)} %`
  const skipped = plan.skipped.map(({ subject, reason }) => `${subject}: ${reason}`)
  const head = '<tr><th>Server</th><th>Move</th><th>Memory</th><th>Reason</th></tr>'
  return `<h2>Live migrations, in this order</h2>
<div class="wide"><table>${head}${rows.join('')}</table></div>
<p class="dim">Use of the host: ${percent(plan.before)} now, ${percent(plan.after)} afterwards.</p>
${list('Left alone', skipped)}`
}

const time = (at: string) => text(at.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC'))
