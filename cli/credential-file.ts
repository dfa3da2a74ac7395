import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { parseDocument } from 'yaml'
import type { ApplicationCredential } from '../core/delegation.ts'
import { failure } from '../core/errors.ts'

export interface CredentialOptions {
  applicationCredentialFile?: string
}

/** A file and no option for the secret itself: the command lines of a machine are read by everybody on it. */
export const withCredential = (command: Command): Command =>
  command.option(
    '--application-credential-file <file>',
    'rights to do it with, instead of a trust: what openstack application credential create -f json says, or a clouds.yaml',
  )

/** The part of a request that gives the credential of `--application-credential-file`, if there is one. @throws INPUT_INVALID */
export async function credentialIn({
  applicationCredentialFile: file,
}: CredentialOptions): Promise<{ applicationCredential?: ApplicationCredential }> {
  if (file === undefined) return {}
  // neither the reason nor the line of a mistake: both may quote the secret
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw failure('INPUT_INVALID', `${file} cannot be read: ${error.code}`)
  })
  const document = parseDocument(text, { schema: 'failsafe', prettyErrors: false })
  if (document.errors.length > 0) throw failure('INPUT_INVALID', `${file} is neither JSON nor YAML`)
  const found = placesIn(document.toJS()).flatMap(credentialAt)
  const [applicationCredential] = found
  if (!applicationCredential || found.length > 1)
    throw failure('INPUT_INVALID', `${file} holds ${found.length} application credentials with id and secret, not one`)
  return { applicationCredential }
}

type Fields = Readonly<Record<string, unknown>>
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

/** Where a credential may stand: in the file itself, in its `auth`, or in that of each of its clouds. */
function placesIn(file: unknown): Fields[] {
  const top = fieldsOf(file)
  const clouds = Object.values(fieldsOf(top.clouds)).map((cloud) => fieldsOf(fieldsOf(cloud).auth))
  return [top, fieldsOf(top.auth), ...clouds]
}

function credentialAt(fields: Fields): ApplicationCredential[] {
  const id = fields.id ?? fields.application_credential_id
  const secret = fields.secret ?? fields.application_credential_secret
  return typeof id === 'string' && typeof secret === 'string' && secret !== '' ? [{ id, secret }] : []
}
