import type { DelegatedBy } from '../core/delegation.ts'

/** What people should know of how their rights came to Steward; nothing for a trust, which is the usual way. */
export function delegatedFields({ kind, applicationCredentialId, warnings = [] }: Partial<DelegatedBy> = {}) {
  const fields: [string, string][] = []
  if (kind === 'application-credential')
    fields.push(['by', `application credential ${applicationCredentialId}: keep it until this has ended`])
  return [...fields, ...warnings.map((warning): [string, string] => ['warning', warning])]
}
