import { z } from 'zod'
import type { Call } from '../../core/call.ts'
import { at, isGone, isOneOf, type Seen } from './entry.ts'
import { Uuid } from './inputs.ts'

export const apiRef = 'https://docs.openstack.org/api-ref/block-storage/v3/#'
export const volumes = { service: 'block-storage', needsRole: 'member' } as const

export const VolumeInput = z.strictObject({ volumeId: Uuid.describe('the volume') })
export type VolumeInput = z.infer<typeof VolumeInput>

/** Below the project: older endpoints of Cinder end with it, newer ones need none. */
export const call = (method: Call['method'], path: string, body?: Call['body'], microversion?: string): Call => ({
  service: 'block-storage',
  method,
  path,
  ...(body && { body }),
  ...(microversion && { microversion }),
})

export const showVolume = ({ volumeId }: VolumeInput) => call('GET', `/volumes/${volumeId}`)

export const volumeStatus = (body: unknown) => at(body, 'volume', 'status')

/** Statuses Cinder leaves a volume in, errors included; in all others it is at work. */
const resting = /^(available|in-use|error|error_.+)$/

/** Cinder writes the passing status before it answers 202, so a volume at rest has ended what was asked. */
export function isVolumeAtRest(body: unknown): boolean {
  const status = volumeStatus(body)
  return typeof status === 'string' && resting.test(status)
}

const isWell = (body: unknown) => isOneOf(['available', 'in-use'], volumeStatus(body))

/** Waits for a volume to rest well, in the way `as` asks for. */
export const volumeRests = <I extends VolumeInput>(
  as: (body: unknown, input: I) => boolean,
  typicalSeconds: number,
  limitSeconds: number,
) => ({
  read: (input: I) => showVolume(input),
  done: ({ body }: Seen, input: I) => isWell(body) && as(body, input),
  failed: (seen: Seen, input: I) =>
    isGone(seen) || (isVolumeAtRest(seen.body) && !(isWell(seen.body) && as(seen.body, input))),
  typicalSeconds,
  limitSeconds,
})

export const volumeTarget = ({ volumeId }: VolumeInput) => [`volume/${volumeId}`]

/** Waits for a thing to be gone. Cinder writes `deleting` before it answers, so any other status is a failure. */
export const goesAway = <I>(
  read: (input: I) => Call,
  kind: 'volume' | 'snapshot' | 'backup',
  limitSeconds: number,
) => ({
  read,
  done: isGone,
  failed: ({ body }: Seen) => {
    const status = at(body, kind, 'status')
    return typeof status === 'string' && status !== 'deleting' && status !== 'deleted'
  },
  typicalSeconds: 30,
  limitSeconds,
})
