import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { catalogue, type ErrorCode, type ErrorSpec, type Remedy } from '../core/catalogue.ts'

/** The comments of core/catalogue.ts above each group, as headings. */
const headings: Readonly<Record<string, string>> = {
  'the request': 'The request',
  'who asks': 'Who asks',
  'what is there': 'What is there',
  'the cloud': 'The cloud',
  remediation: 'Remediation',
  SSH: 'SSH',
  'HTTP calls of runbooks': 'HTTP calls of runbooks',
  'Steward itself': 'Steward itself',
}

const remedies: Readonly<Record<Remedy, string>> = {
  retry: 'send the same again later',
  fix: 'change the request, or what it names',
  ask: 'a person has to look',
}

const intro = `# Errors

<!-- Written by \`npm run docs\` from core/catalogue.ts; a test compares the two. -->

The API answers every error as [problem details](https://www.rfc-editor.org/rfc/rfc9457) (\`application/problem+json\`):

\`\`\`json
{
  "type": "urn:steward:error:TIME_PAST",
  "title": "The due time lies in the past.",
  "status": 400,
  "code": "TIME_PAST",
  "detail": "2026-11-21T00:59:00Z is past: it is 2026-11-21T01:00:00.000Z",
  "next": "Give a \`runAt\` in the future, with its UTC offset.",
  "instance": "req-0193a7f0-5a51-4c3f-8d60-2f9d0f4c1e77"
}
\`\`\`

- \`type\` is \`urn:steward:error:CODE\`; \`code\` is the same code alone. Codes are never renamed: programs may rely on them.
- \`detail\` says what happened to which thing; it is for people, and its words may change.
- \`next\` says what to do next.
- \`instance\` is the id of the request, as in \`X-Openstack-Request-Id\` and in the log of Steward.
- \`issues\` names each field that does not match the schema.

The same codes end a run in Temporal (the \`type\` of its failure), explain an action or an incident (\`reason.code\`), and
are printed by the command line. The remedy of a code says what helps:

| remedy | what helps | in Temporal |
| --- | --- | --- |
${(Object.keys(remedies) as Remedy[]).map((remedy) => `| \`${remedy}\` | ${remedies[remedy]} | ${remedy === 'retry' ? 'repeated while its time allows' : 'not repeated'} |`).join('\n')}

Answers with status 503 carry \`Retry-After\` in seconds, those with 401 \`WWW-Authenticate\`.
`

/** docs/errors.md as core/catalogue.ts has it now. */
export function errorDocs(): string {
  const groups = groupsOf(readFileSync(new URL('../core/catalogue.ts', import.meta.url), 'utf8'))
  const sections = groups.map(({ heading, codes }) => `\n## ${heading}\n\n${tableOf(codes)}`)
  return intro + sections.join('')
}

function tableOf(codes: readonly ErrorCode[]): string {
  const rows = codes.map((code) => {
    const { status, remedy, summary, next }: ErrorSpec = catalogue[code]
    return `| \`${code}\` | ${status} | \`${remedy}\` | ${cell(summary)} | ${cell(next)} |`
  })
  return [
    '| code | HTTP | remedy | what happened | what to do next |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

const cell = (text: string) => text.replaceAll('|', '\\|')

/** Reads the groups out of the source, since an object has no comments. */
function groupsOf(source: string): { heading: string; codes: ErrorCode[] }[] {
  const groups: { heading: string; codes: ErrorCode[] }[] = []
  for (const [, comment, code] of source.matchAll(/^ {2}(?:\/\/ (.+)|([A-Z_]+): \{)$/gm)) {
    if (comment) groups.push({ heading: headings[comment] ?? comment, codes: [] })
    else if (code && Object.hasOwn(catalogue, code)) groups.at(-1)?.codes.push(code as ErrorCode)
  }
  return groups.filter(({ codes }) => codes.length > 0)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  writeFileSync(new URL('../docs/errors.md', import.meta.url), errorDocs())
