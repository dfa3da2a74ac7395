import type { Announcement, CloudEvent } from '../core/notification.ts'
import { eventIdOf, pathOf, sentenceOf } from '../policies/notification.ts'
import { withoutSecretInputs } from '../policies/redact.ts'

/** Some receivers take no more. */
export const mostEventBytes = 64 << 10
/** When the whole is too large, what is larger than this is left out; no view has fifty fields. */
const mostFieldBytes = 1 << 10
const longestSummary = 1_000

/** What Steward is called where it has no address. */
const namelessSource = 'urn:steward'

/** What happened, as receivers get it: what people read of it, and nothing that is named like a secret. */
export function cloudEventOf(announcement: Announcement, publicUrl: string | undefined): CloudEvent {
  const whole = eventOf({
    id: eventIdOf(announcement),
    type: `io.steward.${announcement.event}`,
    subject: announcement.subject,
    time: announcement.at,
    summary: sentenceOf(announcement).slice(0, longestSummary),
    path: pathOf(announcement),
    publicUrl,
    data: withoutSecretInputs(announcement.view, '(not kept)') as CloudEvent['data'],
  })
  if (bytesOf(whole) <= mostEventBytes) return whole
  const data = Object.fromEntries(Object.entries(whole.data).filter(([, value]) => bytesOf(value) <= mostFieldBytes))
  return { ...whole, shortened: true, data }
}

export interface Parts extends Pick<CloudEvent, 'id' | 'type' | 'subject' | 'time' | 'summary' | 'data'> {
  readonly publicUrl: string | undefined
  readonly path?: string
}

export function eventOf({ publicUrl, path, ...parts }: Parts): CloudEvent {
  const base = publicUrl?.replace(/\/+$/, '')
  const { data, ...attributes } = parts
  return {
    ...{ specversion: '1.0', source: base ?? namelessSource },
    ...attributes,
    datacontenttype: 'application/json',
    ...(base !== undefined && path !== undefined && { link: `${base}${path}` }),
    data,
  }
}

const bytesOf = (value: unknown) => Buffer.byteLength(`${JSON.stringify(value)}`)
