import { createPowerActivities } from '../../activities/power/power.ts'
import { PowerConfig } from '../../core/power.ts'
import { createRig, released } from '../activities/rig.ts'

export interface BmcUnderTest {
  readonly user: string
  readonly password: string
  readonly passwordFile: string
  readonly wrongPasswordFile: string
  letPass(ms: number): Promise<void>
  down(): Promise<void>
}

/** Steward's own activities, so that what they make of a BMC is the same with a fake and a real one. */
export function stewardAt({ letPass }: BmcUnderTest, way: object) {
  const host = 'compute1'
  const power = PowerConfig.parse({ hosts: { [host]: way }, confirmSeconds: 1 })
  const { run } = createRig({ authUrl: 'http://127.0.0.1:9', password: 'none' })
  const sessions = { forRemediation: () => Promise.reject(new Error('nobody delegated')) }
  const activities = createPowerActivities({ power, sessions, pause: letPass, brake: released, pollMs: 500 })
  return {
    look: () => run(() => activities.lookAtPower({ host })),
    off: (how: 'graceful' | 'hard') => run(() => activities.powerOff({ host, how, withinSeconds: 60 })),
    on: () => run(() => activities.powerOn({ host, withinSeconds: 60 })),
  }
}
