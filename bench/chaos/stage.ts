import { join } from 'node:path'
import { type Alertmanager, startAlertmanager } from '../../demo/stage/alertmanager.ts'
import { clearLeftovers } from '../../demo/stage/leftovers.ts'
import { shipLogs } from '../../demo/stage/log-shipper.ts'
import { type Person, personOf } from '../../demo/stage/people.ts'
import { type Ports, portsOf } from '../../demo/stage/ports.ts'
import { type StewardProcess, startSteward } from '../../demo/stage/steward.ts'
import { type Cloud, cloudUp } from '../../test/cloud/cloud.ts'
import { type Deliveries, recordDeliveries } from './deliveries.ts'

/** The stage of the demonstration, with a witness between Alertmanager and Steward and one more operator. */
export interface ChaosStage {
  readonly cloud: Cloud
  readonly ports: Ports
  readonly stewardDir: string
  /** Put in place again by the events that kill it. */
  steward: StewardProcess
  readonly alertmanager: Alertmanager
  readonly deliveries: Deliveries
  /** Operators: one delegates and works, the other is the second person. */
  readonly olga: Person
  readonly admin: Person
  /** A tenant. */
  readonly alice: Person
  strike(): Promise<void>
}

export async function setChaosStage(
  dir: string,
  basePort: number,
  progress: (line: string) => void,
): Promise<ChaosStage> {
  const ports = portsOf(basePort)
  const strikes: (() => Promise<unknown>)[] = []
  const strike = async () => {
    for (let last = strikes.pop(); last; last = strikes.pop()) await last()
  }
  try {
    await clearLeftovers(dir)
    const cloud = await cloudUp({ dir: join(dir, 'cloud'), basePort: ports.cloud, onProgress: progress })
    strikes.push(() => cloud.down())
    const stewardDir = join(dir, 'steward')
    let stage: ChaosStage | undefined
    const first = await startSteward(cloud, stewardDir, ports)
    const steward = () => stage?.steward ?? first
    strikes.push(() => steward().stop())
    const deliveries = await recordDeliveries(steward, ports.cloud + 60)
    strikes.push(deliveries.stop)
    const witnessed = { url: deliveries.url, tokenFiles: first.tokenFiles }
    const alertmanager = await startAlertmanager(witnessed, join(dir, 'alertmanager'), ports, progress)
    strikes.push(alertmanager.stop)
    const computeLogs = Object.entries(cloud.logs).filter(([name]) => name.startsWith('nova-compute@'))
    strikes.push(shipLogs(Object.fromEntries(computeLogs), first.url, first.tokens.logs).stop)
    const [olga, admin, alice] = await Promise.all([
      personOf(cloud, 'olga', first.url),
      personOf(cloud, 'admin', first.url),
      personOf(cloud, 'alice', first.url),
    ])
    const { status, body } = await olga.steward('PUT', '/v1/delegations/remediation', { expiresIn: 'P1D' })
    if (status !== 200) throw new Error(`delegating failed: ${JSON.stringify(body)}`)
    stage = { cloud, ports, stewardDir, steward: first, alertmanager, deliveries, olga, admin, alice, strike }
    return stage
  } catch (error) {
    await strike()
    throw error
  }
}
