import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Info } from '@temporalio/activity'
import { onTestFinished } from 'vitest'
import type { Brake } from '../../activities/brake.ts'
import { createPowerActivities } from '../../activities/power/power.ts'
import type { Sessions } from '../../activities/sessions.ts'
import { PowerConfig } from '../../core/power.ts'
import { type Bmc, fakeRedfish } from '../fakes/bmc/redfish.ts'
import { createRig, passing, type Rig, released } from './rig.ts'

export interface PowerRigOptions {
  /** As in steward.yaml, of `compute1`. Without it there is no `power` there. */
  readonly way?: object
  readonly timeoutSeconds?: number
  readonly confirmSeconds?: number
  readonly brake?: Brake
  /** Happens after so many waits. */
  readonly meanwhile?: (wait: number) => unknown
  readonly sessions?: Pick<Sessions, 'forRemediation'>
  readonly rig?: Pick<Rig, 'run' | 'heartbeats'>
}

/** Steward's activities for the power of compute1. Time passes only while they wait. */
export function powered({ way, brake = released, meanwhile, sessions, rig, ...more }: PowerRigOptions) {
  const { run, heartbeats } = rig ?? createRig({ authUrl: 'http://127.0.0.1:9', password: 'none' })
  const power = way && PowerConfig.parse({ hosts: { compute1: way }, timeoutSeconds: 2, confirmSeconds: 10, ...more })
  const nobody = { forRemediation: () => Promise.reject(new Error('nobody delegated')) }
  const activities = createPowerActivities({ power, sessions: sessions ?? nobody, pause: passing(meanwhile), brake })
  const { lookAtPower, powerOff, powerOn } = activities
  const compute1 = { host: 'compute1' }
  return {
    heartbeats,
    look: (host = 'compute1') => run(() => lookAtPower({ host })),
    off: (how: 'graceful' | 'hard' = 'hard', withinSeconds = 60, info?: Partial<Info>) =>
      run(() => powerOff({ ...compute1, how, withinSeconds }), info),
    on: (withinSeconds = 60, info?: Partial<Info>) => run(() => powerOn({ ...compute1, withinSeconds }), info),
  }
}

/** A file until the test ends. */
export async function secretFile(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'steward-power-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'password')
  await writeFile(file, text)
  return file
}

/** compute1 behind a fake BMC with Redfish, until the test ends. */
export async function atRedfish(
  given: Partial<Bmc> = {},
  { redfish = {}, ...options }: PowerRigOptions & { redfish?: object } = {},
) {
  const fake = await fakeRedfish(given)
  onTestFinished(() => fake.close())
  const passwordFile = await secretFile(`${fake.password}\n`)
  const way = { redfish: { url: fake.url, user: fake.user, passwordFile, ...redfish } }
  return { ...fake, passwordFile, ...powered({ way, ...options }) }
}
